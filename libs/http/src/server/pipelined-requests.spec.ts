import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { boundPipelining } from './pipelined-requests.js';

/** The first request of a connection is carried out at once; eight of those that follow it are carried out beside it. */
const AT_ONCE = 1 + 8;

/** More than any one read of the server brings. */
const ANSWERED = 20_000;

let server: Server;
let sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  const closed = once(server.close(), 'close');
  server.closeAllConnections();
  await closed;
});

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<void> {
  server = createServer({ keepAliveTimeout: 60_000 }, handle);
  boundPipelining(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
}

function open(): Socket {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

const requests = (from: number, count: number, method = 'GET', rest = '\r\n'): string =>
  Array.from({ length: count }, (_, n) => `${method} /${from + n} HTTP/1.1\r\nHost: here\r\n${rest}`).join('');

/** The bodies of the responses that a socket has received up to now. */
function received(socket: Socket): { readonly bodies: () => string[] } {
  let text = '';
  socket.on('data', chunk => (text += String(chunk)));
  return { bodies: () => [...text.matchAll(/\r\n\r\n<(.*?)>/g)].map(([, body]) => body!) };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `/${n}`);

describe('requests that are sent without waiting for responses', () => {
  it('are carried out a few at once, and answered in order', async () => {
    const held: (() => void)[] = [];
    let most = 0;
    await serve(({ url }, response) => {
      held.push(() => response.end(`<${url}>`));
      most = Math.max(most, held.length);
    });
    const socket = open();
    const { bodies } = received(socket);
    socket.write(requests(0, 1_000));
    await waitFor('as many as may be carried out at once', () => held.length === AT_ONCE);
    await turn();
    expect(held.length, 'the others wait for them').toBe(AT_ONCE);
    while (bodies().length < 1_000) {
      // The last one first: responses are sent in the order of the requests all the same.
      for (const answer of held.splice(0).toReversed()) answer();
      await turn();
    }
    expect(bodies()).toEqual(numbers(1_000));
    expect(most).toBe(AT_ONCE);
  });

  it('leave the event loop to others between a few of them, even if each is answered at once', async () => {
    let turns = 0;
    let stopped = false;
    const perTurn = new Map<number, number>();
    await serve(({ url }, response) => {
      perTurn.set(turns, (perTurn.get(turns) ?? 0) + 1);
      response.end(`<${url}>`);
    });
    const count = () => {
      turns += 1;
      if (!stopped) setImmediate(count);
    };
    count();
    const socket = open();
    const { bodies } = received(socket);
    socket.write(requests(0, 500));
    await waitFor('all answers', () => bodies().length === 500);
    stopped = true;
    // In one turn: those that begin with it, and those that arrive in it.
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(2 * AT_ONCE);
  });

  it('are not read without end while none is answered', async () => {
    const held: ServerResponse[] = [];
    let answered = 0;
    let arrived = 0;
    await serve((_, response) => {
      if (answered++ < ANSWERED) response.end('<x>');
      else held.push(response);
    });
    let serverSide: Socket | undefined;
    server.on('connection', socket => (serverSide = socket));
    server.on('request', () => (arrived += 1));
    const socket = open();
    const { bodies } = received(socket);
    socket.write(requests(0, 200_000));
    await waitFor('the server reads on for those that it answers', () => bodies().length === ANSWERED);
    await waitFor('no more are answered', () => held.length === AT_ONCE - 1);
    await waitFor('the server no longer reads', () => serverSide?.isPaused() === true);
    for (let n = 0; n < 100; n += 1) await turn();
    expect(arrived - ANSWERED, 'what one read of 64 KiB brings, beside those that are under way').toBeLessThan(4_000);
  });

  it('are bounded for all connections together: those that send very many are closed, and others are served', async () => {
    const held: ServerResponse[] = [];
    let kept = 0;
    let mostKept = 0;
    await serve(({ url }, response) => {
      if (url === '/other') response.end('<other>');
      else held.push(response);
    });
    server.on('request', () => (mostKept = Math.max(mostKept, ++kept)));
    server.on('connection', (socket: Socket) => {
      let before = 0;
      socket.prependListener('close', () => (kept -= before));
      server.on('request', request => request.socket === socket && (before += 1));
    });
    let closed = 0;
    const count = 50;
    for (let n = 0; n < count; n += 1) {
      const socket = open();
      socket.on('close', () => (closed += 1));
      socket.write(requests(0, 1_000));
    }
    await waitFor('nearly all connections are closed', () => closed >= count - 5);
    expect(mostKept, 'what may wait, and a few of each connection').toBeLessThan(4_000 + count * 2 * AT_ONCE);
    const other = open();
    const { bodies } = received(other);
    other.write('GET /other HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(2));
    await waitFor(
      'another client is served, also if it does not wait for its first response',
      () => bodies().length === 2,
    );
    server.closeAllConnections();
    await waitFor('all are closed', () => closed === count);
    const later = received(open());
    sockets.at(-1)!.write('GET /other HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(1_000));
    await waitFor('requests of closed connections no longer wait', () => later.bodies().length === 1_000);
  });

  it('may have bodies', async () => {
    await serve((request, response) => {
      let body = '';
      request.on('data', chunk => (body += String(chunk)));
      request.on('end', () => response.end(`<${request.url}${body}>`));
    });
    const socket = open();
    const { bodies } = received(socket);
    const large = 'b'.repeat(50_000);
    socket.write(requests(0, 100, 'POST', `Content-Length: ${large.length}\r\n\r\n${large}`));
    await waitFor('all answers', () => bodies().length === 100);
    expect(bodies()).toEqual(numbers(100).map(url => url + large));
  });

  it('are not carried out any more when their client is gone', async () => {
    const held: ServerResponse[] = [];
    await serve((_, response) => held.push(response));
    const socket = open();
    socket.write(requests(0, 100));
    await waitFor('the first ones', () => held.length === AT_ONCE);
    const [first] = held;
    const serverSide = first!.socket!;
    socket.resetAndDestroy();
    // Nothing is read from the connection any more, so its end is noticed when a response is written.
    await waitFor('the end of the connection', () => {
      if (!first!.destroyed) first!.write('x');
      return serverSide.destroyed;
    });
    for (const response of held) response.destroy();
    for (let n = 0; n < 20; n += 1) await turn();
    expect(held.length).toBe(AT_ONCE);
  });

  it('do not delay those of other connections', async () => {
    await serve(({ url }, response) => {
      if (url !== '/0') response.end(`<${url}>`);
    });
    const stuck = open();
    stuck.write(requests(0, 1_000));
    const other = open();
    const { bodies } = received(other);
    other.write(requests(1, 3));
    await waitFor('the answers of the other one', () => bodies().length === 3);
    expect(bodies()).toEqual(['/1', '/2', '/3']);
  });
});
