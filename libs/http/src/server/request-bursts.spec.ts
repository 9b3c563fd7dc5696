import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { boundPipelining } from './pipelined-requests.js';
import { boundBursts } from './request-bursts.js';

/** Each request takes so long (ms), half of it in a microtask, as handlers of Nest do. */
const WORK_MS = 6;

/** What 20 ms have room for, and the one that ends after them. */
const AT_ONCE = 4;

/** What the 8 ms of those that wait have room for, and the one that ends after them. */
const OF_WAITING = 2;

const COUNT = 40;

let server: Server;
let sockets: Socket[] = [];
let isOver = false;

afterEach(async () => {
  isOver = true;
  for (const socket of sockets) socket.destroy();
  sockets = [];
  const closed = once(server.close(), 'close');
  server.closeAllConnections();
  await closed;
});

function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** What was carried out, in its order, and in which turn of the event loop. */
interface Carried {
  readonly url: string;
  readonly turn: number;
}

interface Serving {
  readonly carried: Carried[];
  /** The requests that had to wait. */
  readonly waited: string[];
}

async function serve(): Promise<Serving> {
  const serving: Serving = { carried: [], waited: [] };
  let turn = 0;
  isOver = false;
  const count = () => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  server = createServer({ keepAliveTimeout: 60_000 }, (request: IncomingMessage, response: ServerResponse) => {
    serving.carried.push({ url: request.url!, turn });
    work(WORK_MS / 2);
    queueMicrotask(() => {
      work(WORK_MS / 2);
      response.end(`<${request.url}>`);
    });
  });
  boundBursts(server, {
    isUrgent: ({ method }) => method === 'PUT',
    onWait: ({ req }) => void serving.waited.push(req.url!),
  });
  boundPipelining(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return serving;
}

async function open(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

const get = (url: string, method = 'GET') => `${method} ${url} HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n`;

/** Opens connections that the server has accepted: each has had a response. */
async function openMany(count: number, { carried, waited }: Serving): Promise<Socket[]> {
  const opened: Socket[] = [];
  for (let n = 0; n < count; n++) {
    const socket = await open();
    socket.write(get('/first'));
    await once(socket, 'data');
    opened.push(socket);
  }
  carried.length = 0;
  waited.length = 0;
  return opened;
}

function perTurn(carried: readonly Carried[]): number[] {
  const counts = new Map<number, number>();
  for (const { turn } of carried) counts.set(turn, (counts.get(turn) ?? 0) + 1);
  return [...counts.values()];
}

describe('requests that arrive at the same moment', () => {
  it('are carried out a few in each turn of the event loop, and all of them are', async () => {
    const serving = await serve();
    const opened = await openMany(COUNT, serving);
    for (const [n, socket] of opened.entries()) socket.write(get(`/${n}`));
    await waitFor('all are carried out', () => serving.carried.length === COUNT);
    expect(serving.waited.length, 'nothing waited: nothing was shown').toBeGreaterThan(COUNT / 2);
    expect(new Set(serving.carried.map(({ url }) => url)).size).toBe(COUNT);
    expect(Math.max(...perTurn(serving.carried))).toBeLessThanOrEqual(AT_ONCE + OF_WAITING);
  });

  it('wait behind what is urgent, but nothing that arrives later waits behind them', async () => {
    const serving = await serve();
    const opened = await openMany(COUNT, serving);
    const [late] = await openMany(1, serving);
    for (const [n, socket] of opened.entries()) socket.write(get(`/${n}`, n === COUNT - 1 ? 'PUT' : 'GET'));
    await waitFor('the first ones are carried out', () => serving.carried.length > AT_ONCE);
    late!.write(get('/late'));
    await waitFor('all are carried out', () => serving.carried.length === COUNT + 1);
    const order = serving.carried.map(({ url }) => url);
    expect(order.indexOf(`/${COUNT - 1}`), 'the urgent one').toBeLessThan(COUNT / 2);
    expect(order.indexOf('/late'), 'it did not arrive in the burst').toBeLessThan(COUNT);
    expect(serving.waited).not.toContain('/late');
  });

  it('are carried out in their order if they arrive on one connection', async () => {
    const serving = await serve();
    const opened = await openMany(COUNT, serving);
    for (const [n, socket] of opened.entries()) socket.write(get(`/${n}/a`) + get(`/${n}/b`, 'PUT') + get(`/${n}/c`));
    await waitFor('all are carried out', () => serving.carried.length === 3 * COUNT);
    const order = serving.carried.map(({ url }) => url);
    for (let n = 0; n < COUNT; n++) {
      const own = order.filter(url => url.startsWith(`/${n}/`));
      expect(own).toEqual([`/${n}/a`, `/${n}/b`, `/${n}/c`]);
    }
  });

  it('are not carried out for clients that have gone meanwhile', async () => {
    const serving = await serve();
    const opened = await openMany(COUNT, serving);
    for (const [n, socket] of opened.entries()) socket.write(get(`/${n}`));
    await waitFor('some wait', () => serving.waited.length > COUNT / 2);
    for (const socket of opened) socket.destroy();
    const [last] = await openMany(1, { carried: [], waited: [] });
    last!.write(get('/last'));
    await waitFor('the last one is carried out', () => serving.carried.some(({ url }) => url === '/last'));
    expect(serving.carried.length).toBeLessThan(COUNT);
  });
});
