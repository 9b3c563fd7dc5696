import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type Stepper } from '@coordination/scheduling';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { EndedConnections } from './ended-connections.js';

/** A scheduler whose steps a test does. */
class StepsOfTest {
  private waiting: Stepper | undefined;

  schedule(stepper: Stepper): void {
    this.waiting = stepper;
  }

  /** Makes all steps that may be made in one slice. @returns how many there were */
  slice(): number {
    const { waiting } = this;
    this.waiting = undefined;
    if (!waiting) return 0;
    for (let steps = 1; ; steps++) if (!waiting.step()) return steps;
  }
}

describe('connections that their clients end', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function start(handle: RequestListener, prepare: (server: Server) => void = () => undefined) {
    const server = createServer(handle);
    const sockets: Socket[] = [];
    server.on('connection', socket => sockets.push(socket));
    prepare(server);
    const steps = new StepsOfTest();
    const left: Socket[] = [];
    const ended = EndedConnections.of(server, steps, socket => left.push(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    });
    const { port } = server.address() as AddressInfo;
    const open = async (bytes: string) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      ends.push(() => socket.destroy());
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
      return socket;
    };
    return { sockets, steps, left, ended, open };
  }

  const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

  it('are closed a few in a slice, each with the end of its request, however many ended at once', async () => {
    const MANY = 100;
    let [begun, over] = [0, 0];
    const { sockets, steps, left, ended, open } = await start((_request, response) => {
      begun += 1;
      response.once('close', () => (over += 1));
    });
    const clients: Socket[] = [];
    // Every second connection is idle.
    for (let n = 0; n < MANY; n++) clients.push(await open(n % 2 === 0 ? REQUEST : ''));
    await waitFor('all requests have begun', () => begun === MANY / 2);
    for (const client of clients) client.destroy();
    await waitFor('all have ended', () => ended.size === MANY);
    expect(left).toEqual(expect.arrayContaining(sockets));
    expect({ over, closed: sockets.filter(({ destroyed }) => destroyed).length }).toEqual({ over: 0, closed: 0 });
    const closedUpTo: number[] = [];
    while (ended.size > 0) {
      let count = 0;
      await waitFor('there is a step to make', () => (count = steps.slice()) > 0);
      expect(count).toBeLessThanOrEqual(32);
      closedUpTo.push(sockets.filter(({ destroyed }) => destroyed).length);
    }
    expect(closedUpTo).toEqual([32, 64, 96, 100]);
    await waitFor('all requests are over', () => over === MANY / 2);
    expect(steps.slice()).toBe(0);
  });

  it('still get what was written to them, and an answer to a request that is incomplete', async () => {
    const LARGE = Buffer.alloc(16 * 1024 * 1024, 'x');
    const { steps, ended, open } = await start((_request, response) => void response.write(LARGE));
    const received = { large: 0, malformed: '' };
    const reader = await open(REQUEST);
    const broken = await open('GET / HTT');
    broken.on('data', chunk => (received.malformed += String(chunk)));
    await once(reader, 'readable');
    reader.end();
    broken.end();
    await waitFor('both have ended', () => ended.size === 2);
    steps.slice();
    reader.on('data', (chunk: Buffer) => (received.large += chunk.length));
    await once(reader, 'end');
    expect(received.large).toBeGreaterThanOrEqual(LARGE.length);
    await waitFor('the answer', () => received.malformed.startsWith('HTTP/1.1 400 '));
  });

  it.each(['closed', 'handed to a tunnel'])(
    'are not blamed for what another one sends that has got the parser of one that was %s meanwhile',
    async how => {
      let malformed = 0;
      const { sockets, steps, ended, open } = await start(
        (_request, response) => void response.end('served'),
        server => {
          server.on('connect', (_request, socket) => socket.resume());
          server.on('clientError', () => (malformed += 1));
        },
      );
      const first = await open(how === 'closed' ? '' : 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n');
      await waitFor('it is connected', () => sockets.length === 1);
      first.end();
      await waitFor('it has ended', () => ended.size === 1);
      if (how === 'closed') sockets[0]!.destroy();
      // Node.js takes the parser that became free last.
      const second = await open('GET / HTTP/1.1\r\nHo');
      await waitFor('a part has arrived', () => sockets[1]?.bytesRead === 18);
      steps.slice();
      let text = '';
      second.on('data', chunk => (text += String(chunk)));
      second.write('st: localhost\r\n\r\n');
      await waitFor('it is served', () => text.includes('served'));
      expect(text).toMatch(/^HTTP\/1.1 200 /);
      expect(malformed).toBe(0);
    },
  );
});
