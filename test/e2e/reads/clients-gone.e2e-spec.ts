import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ChangeFeed } from '@coordination/catalog';
import { ServerConnections } from '@coordination/http';
import { type PlaceKind, Scheduler, WorkPlaces } from '@coordination/scheduling';
import { type CatalogNode, type CatalogService, headOf, startCatalog } from '../../support/catalog/catalog-service.js';
import { metricOf, metricsOf } from '../../support/nodes/metrics.js';
import { waitFor } from '../../support/time/wait-for.js';

const DISCOVERY = '/api/v1/discovery';

/** How many clients there are of each kind. */
const MANY = 1_000;

/** More than any of them is in one slice. */
const AT_ONCE = 50;

let catalog: CatalogService;
let node: CatalogNode;
let sockets: Socket[] = [];

beforeAll(async () => {
  catalog = await startCatalog();
  node = catalog.nodes[0]!;
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => catalog.close());

const open = async (path: string): Promise<Socket> => {
  const { port, host } = new URL(node.url);
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return socket;
};

const openMany = async (pathOf: (n: number) => string): Promise<void> => {
  for (let n = 0; n < MANY; n += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => open(pathOf(n + k))));
  }
};

/** What a node keeps for requests under way. */
async function kept() {
  const metrics = await metricsOf(node.api);
  const { open: connections, idle } = node.app.get(ServerConnections).state;
  return {
    watches: metrics.get('pcs_watch_open'),
    waitingReads: metrics.get('pcs_waiting_reads'),
    backlogBytes: metrics.get('pcs_watch_backlog_bytes'),
    underWay: metrics.get('pcs_response_bytes_under_way'),
    followers: node.app.get(ChangeFeed).size,
    // The request for the metrics has ended.
    busyConnections: connections - idle,
  };
}

const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;

describe.each([
  ['end their connections', (socket: Socket) => void socket.destroy()],
  ['reset their connections', (socket: Socket) => void socket.resetAndDestroy()],
])('when thousands of clients %s at once', (_, hangUp) => {
  it('nothing is kept for their watches and waiting reads, and others are answered meanwhile', async () => {
    const since = await headOf(node.api);
    const before = await kept();
    expect(before).toMatchObject({ watches: 0, waitingReads: 0, backlogBytes: 0, busyConnections: 0 });
    const timersBefore = timers();
    await openMany(n => `${DISCOVERY}/watch?service=crowd-${n % 100}`);
    await openMany(n => `${DISCOVERY}/services/crowd-${n % 100}/instances?since=${since}&waitSeconds=120`);
    await waitFor('all are open', async () => {
      const { watches, waitingReads } = await kept();
      return watches === MANY && waitingReads === MANY;
    });
    expect(timers()).toBeGreaterThan(timersBefore + MANY);
    for (const socket of sockets) hangUp(socket);
    let answers = 0;
    await waitFor('nothing is kept', async () => {
      expect((await node.api.get(`${DISCOVERY}/namespaces`)).status).toBe(200);
      answers += 1;
      return isDeepStrictEqual(await kept(), before);
    });
    expect(answers).toBeGreaterThan(0);
    await waitFor('no timer of theirs is left', () => timers() <= timersBefore + AT_ONCE);
    await waitFor('the scheduler has nothing to do', () => node.app.get(Scheduler).size === 0);
    // Later changes reach nobody, and harm nobody.
    await node.api.register({ service: 'crowd-1', instanceId: `later-${hangUp.name}` });
    expect(await metricOf(node.api, 'pcs_watch_open')).toBe(0);
  });
});

/** Enough that a search of them takes several slices. */
const SEARCHED = 3_000;
const ROUNDS = 5;
const CALLERS = 40;

const search = (n: number): string =>
  `${DISCOVERY}/instances?${String(
    new URLSearchParams({
      filter: ['instanceId', 'host', 'zone', 'tags.team']
        .map(field => `${field} matches "^(a|b|${n})*.*x+$"`)
        .join(' or '),
    }),
  )}`;

const places = () => node.app.get(WorkPlaces).use();

describe('when clients hang up while their heavy reads are under way', () => {
  beforeAll(async () => {
    for (let n = 0; n < SEARCHED; n += 1_000) {
      const instances = Array.from({ length: 1_000 }, (_, k) => ({
        service: 'searched',
        instanceId: `i-${n + k}`,
        host: `10.1.${k >> 8}.${k & 255}`,
        port: 80,
      }));
      await node.api.ok('POST', '/api/v1/registry/instances/batch', { instances });
    }
  });

  it.each<[string, PlaceKind, (n: number) => string]>([
    ['searches', 'memory', search],
    ['pages of events', 'database', n => `/api/v1/audit/events?limit=1000&from=${n + 1}`],
    ['differences', 'database', n => `${DISCOVERY}/diff?namespace=*&from=${n}&to=3000`],
    ['reads of the past', 'database', n => `${DISCOVERY}/services/searched/instances?asOf=${n + 1_000}`],
    ['verifications', 'long', () => '/api/v1/audit/verify'],
    ['exports', 'long', () => '/api/v1/audit/export'],
  ])('%s give all their places back, and others are answered', async (_name, kind, pathOf) => {
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(Array.from({ length: CALLERS }, (_, n) => open(pathOf(round * CALLERS + n))));
      await waitFor('work has begun', () => places()[kind].taken > 0);
      for (const socket of sockets.splice(0)) socket.destroy();
      await waitFor('no place is taken, and nothing waits', () =>
        Object.values(places()).every(({ taken, waiting }) => taken + waiting === 0),
      );
    }
    expect((await node.api.get(pathOf(0))).status).toBe(200);
  });
});
