import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Metrics } from '@coordination/observability';
import { LoopDelay } from '@coordination/scheduling';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { ResponseStalls } from './response-stalls.js';

const LIMIT_MS = 30_000;
const KEEP_ALIVE_MS = 75_000;

/** A connection, of which the test says what is sent and taken. */
class FakeSocket extends EventEmitter {
  isClosed = false;
  rearmedMs: number | undefined;
  timeout = KEEP_ALIVE_MS;
  bytesRead = 0;
  bytesWritten = 0;
  writableLength = 0;
  readonly _handle = { writeQueueSize: 0 };

  /** The service writes bytes, none of which the client takes. */
  write(bytes: number): this {
    this.bytesWritten += bytes;
    this.writableLength += bytes;
    this._handle.writeQueueSize += bytes;
    return this;
  }

  destroy(): void {
    this.isClosed = true;
    this.emit('close');
  }

  setTimeout(ms: number): void {
    this.rearmedMs = ms;
  }
}

beforeAll(() => Logger.overrideLogger(false));

const stalls: ResponseStalls[] = [];
afterEach(() => {
  for (const one of stalls.splice(0)) one.onApplicationShutdown();
});

/** @param stalledMs for how long the event loop was stalled since a time */
function setUp(stalledMs: (sinceMs: number) => number = () => 0) {
  let nowMs = 1_000_000;
  const onIdle: ((socket: Socket) => void)[] = [];
  const server = Object.assign(new EventEmitter(), {
    setTimeout: (_ms: number, listener: (socket: Socket) => void) => void onIdle.push(listener),
  });
  const looking = new ResponseStalls(
    { httpAdapter: { getHttpServer: () => server } } as never,
    { limitMs: LIMIT_MS },
    { stalledMsSince: stalledMs } as never,
    new Metrics(),
    { now: () => new Date(0), monotonicMs: () => nowMs },
  );
  stalls.push(looking);
  const open = () => {
    const socket = new FakeSocket();
    server.emit('connection', socket);
    return socket;
  };
  /** Looks, and once more when so much time has passed. */
  const lookAfter = (ms: number) => {
    looking.look();
    nowMs += ms;
    looking.look();
  };
  const idle = () => {
    const socket = open();
    for (const listener of onIdle) listener(socket as unknown as Socket);
    return socket;
  };
  return { open, lookAfter, idle };
}

describe('A connection with a response', () => {
  it('is closed when its client has taken nothing for the limit, and not before', () => {
    const { open, lookAfter } = setUp();
    const socket = open().write(100);
    lookAfter(LIMIT_MS - 1);
    expect(socket.isClosed).toBe(false);
    lookAfter(1);
    expect(socket.isClosed).toBe(true);
  });

  it('is closed although its client sends, which takes nothing', () => {
    const { open, lookAfter } = setUp();
    const socket = open().write(100);
    for (let n = 0; n < 3; n++) {
      socket.bytesRead += 1;
      lookAfter(LIMIT_MS / 3);
    }
    expect(socket.isClosed).toBe(true);
  });

  it('is kept while its client takes a byte now and then, also within one write', () => {
    const { open, lookAfter } = setUp();
    const socket = open().write(100);
    for (let n = 0; n < 10; n++) {
      lookAfter(LIMIT_MS - 1);
      socket._handle.writeQueueSize -= 1;
    }
    expect(socket.isClosed).toBe(false);
    lookAfter(LIMIT_MS);
    expect(socket.isClosed).toBe(true);
  });

  it('is kept while the service itself goes on writing, such as the events of a watch, which has a limit of its own', () => {
    const { open, lookAfter } = setUp();
    const socket = open().write(100);
    for (let n = 0; n < 10; n++) {
      lookAfter(LIMIT_MS - 1);
      socket.write(10);
    }
    expect(socket.isClosed).toBe(false);
  });

  it('is kept while there is nothing to take, such as a waiting read, however long', () => {
    const { open, lookAfter } = setUp();
    const [waiting, done] = [open(), open().write(100)];
    lookAfter(LIMIT_MS - 1);
    done.writableLength = done._handle.writeQueueSize = 0;
    lookAfter(10 * LIMIT_MS);
    // The next response has its whole time.
    done.write(100);
    lookAfter(LIMIT_MS - 1);
    expect([waiting.isClosed, done.isClosed]).toEqual([false, false]);
  });

  it('has its whole time while this process is not stalled', () => {
    const { open, lookAfter } = setUp(() => 20_000);
    const socket = open().write(100);
    lookAfter(LIMIT_MS + 19_999);
    expect(socket.isClosed).toBe(false);
    lookAfter(1);
    expect(socket.isClosed).toBe(true);
  });

  it('is closed after others, where very many stall at once: each end is work', async () => {
    const { open, lookAfter } = setUp();
    const sockets = Array.from({ length: 50 }, () => open().write(100));
    const closed = () => sockets.filter(({ isClosed }) => isClosed).length;
    lookAfter(LIMIT_MS);
    expect(closed()).toBe(20);
    await waitFor('all are closed', () => closed() === sockets.length);
  });

  it('is forgotten when it is closed by someone else', () => {
    const { open, lookAfter } = setUp();
    const socket = open().write(100);
    socket.emit('close');
    lookAfter(LIMIT_MS);
    expect(socket.isClosed, 'it was closed a second time').toBe(false);
  });
});

describe('An idle connection whose timer has fired', () => {
  it('is closed', () => {
    expect(setUp().idle().isClosed).toBe(true);
    expect(setUp(sinceMs => (sinceMs < 990_000 ? 20_000 : 0)).idle().isClosed, 'a stall long ago counts').toBe(true);
  });

  it('just after a stall of this process has its time again: its request may not have been read yet', () => {
    expect(setUp(() => 20_000).idle()).toMatchObject({ isClosed: false, rearmedMs: KEEP_ALIVE_MS });
  });
});

describe('A server', () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  const BODY = Buffer.alloc(64 * 1024 * 1024);
  const ASKING = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

  async function start(limitMs: number, answer: RequestListener): Promise<Server> {
    const server = createServer(answer);
    const loopDelay = new LoopDelay();
    loopDelay.onModuleInit();
    server.once('close', () => loopDelay.onApplicationShutdown());
    stalls.push(
      new ResponseStalls(
        { httpAdapter: { getHttpServer: () => server } } as never,
        { limitMs },
        loopDelay,
        new Metrics(),
      ),
    );
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  /** A client that has sent a request, and reads nothing. */
  function ask(server: Server): { readonly socket: Socket; isClosed: boolean } {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    const client = { socket, isClosed: false };
    socket.on('error', () => undefined).once('close', () => (client.isClosed = true));
    socket.pause();
    socket.write(ASKING);
    return client;
  }

  it('closes connections of clients that take nothing, also of those that go on sending', async () => {
    const server = await start(1_000, (_request, response) => response.end(BODY));
    const connections = () =>
      new Promise<number>((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      });
    const clients = [ask(server), ask(server), ask(server), ask(server)];
    await waitFor('all are connected', async () => (await connections()) === clients.length);
    // Further requests; empty lines, which a server ignores before a request (RFC 9112, section 2.2); a request that never ends.
    const sent = ['', ASKING, '\r\n', 'GET / HTTP/1.1\r\nX-Long: '];
    const sending = setInterval(() => {
      for (const [n, { socket, isClosed }] of clients.entries()) if (!isClosed) socket.write(sent[n]!);
      sent[3] = 'x';
    }, 100);
    try {
      await waitFor('all are closed', async () => (await connections()) === 0);
    } finally {
      clearInterval(sending);
    }
  });

  it('keeps one whose client takes little of one large write, as long as it does', async () => {
    const server = await start(1_000, (_request, response) => response.end(BODY));
    const [slow, silent] = [ask(server), ask(server)];
    let taken = 0;
    const take = setInterval(() => {
      taken += (slow.socket.read(Math.min(slow.socket.readableLength, 65_536)) as Buffer | null)?.byteLength ?? 0;
    }, 20);
    try {
      await waitFor('the silent one is closed', () => {
        // A reset is noticed by the next write.
        if (!silent.isClosed) silent.socket.write('\r\n');
        return silent.isClosed;
      });
    } finally {
      clearInterval(take);
    }
    expect(taken).toBeLessThan(BODY.byteLength);
    slow.socket.on('data', (chunk: Buffer) => (taken += chunk.byteLength)).resume();
    await waitFor('the slow one has all', () => taken > BODY.byteLength);
  });
});
