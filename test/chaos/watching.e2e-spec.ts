import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { type MixedLoad, seeded, startMixedLoad } from '../support/http/mixed-load.js';
import { describeNode } from '../support/nodes/describe-node.js';
import { killConnections } from '../support/nodes/node-faults.js';
import { RestartableNode } from '../support/nodes/restartable-node.js';
import { unhurried } from '../support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { PATIENCE_MS, waitFor } from '../support/time/wait-for.js';
import { RecordingWatcher } from '../support/watch/recording-watcher.js';
import { type Selects, watchProblems } from '../support/watch/watch-guarantees.js';

/** How often a node is killed, and as often the database's connections are cut. */
const ROUNDS = Number(process.env['PROOF_ROUNDS'] ?? 2);
const SEED = Number(process.env['PROOF_SEED'] ?? 91);

const ENV = {
  PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)),
  PCS_WATCH_BOOKMARK_SECONDS: '1',
  // So few that whoever was away for a moment has to read the log.
  PCS_FEED_MAX_CHANGES: '100',
};

/** Processes start many times over, on a machine that may have much else to do. */
const TIMEOUT_MS = 600_000 * (1 + ROUNDS);

/** So short that leases end all the time, and go on ending when nobody writes any more. */
const TTL_SECONDS = 3;

/** A watcher is cut off after this time (ms) at most. */
const LIVES_MS = 3_000;

const inDefault: Selects = ({ namespace }) => namespace === 'default';

const WATCHES: readonly (readonly [query: string, selects: Selects])[] = [
  ['', inDefault],
  ['namespace=*', () => true],
  ['service=contended&status=healthy,degraded', i => inDefault(i) && ['healthy', 'degraded'].includes(i.status)],
  ['filter=weight > 300 and port != 80', i => inDefault(i) && i.weight > 300 && i.port !== 80],
  [
    'namespace=*&status=stopping&service=contended',
    ({ status, service }) => status === 'stopping' && service === 'contended',
  ],
  ['service=nobody', ({ service }) => service === 'nobody'],
];

let directory: DisposableDirectory;
let database: TestDatabase;
let ends: (() => Promise<unknown>)[];

beforeEach(async () => {
  directory = disposableDirectory();
  database = await createTestDatabase();
  ends = [];
});
afterEach(async () => {
  // What failed has been told; what is left of it must not go on beside the next test.
  await Promise.allSettled(ends.map(end => end()));
  await directory.remove();
  await database.drop();
});

/** How everything stands, for whoever reads of a failure. */
async function stateOf(
  nodes: readonly RestartableNode[],
  watchers: readonly RecordingWatcher[],
  load: MixedLoad,
): Promise<string> {
  const refusals = Object.groupBy(load.told.slice(-200), ({ status, code }) => `${status} ${code ?? ''}`.trim());
  const answers = Object.entries(refusals).map(([answer, told]) => `${answer}: ${told?.length}`);
  const states = await Promise.all(nodes.map((node, n) => describeNode(`node ${n}`, node)));
  return [
    '',
    `the last answers to the load, of ${load.told.length}: ${answers.join(', ')}`,
    ...watchers.map(watcher => watcher.describe()),
    ...states,
  ].join('\n');
}

describe('watchers that are cut off, on nodes that are killed and cut off from the database', () => {
  it.each([2, 3])(
    `are told every selected revision once and in order, on %i nodes (seed ${SEED})`,
    async count => {
      const random = seeded(SEED + count);
      const start = () => RestartableNode.start(directory, database.url, ENV);
      const nodes = await Promise.all(Array.from({ length: count }, start));
      const apis = nodes.map(({ api }) => api);
      const watchers = WATCHES.map(([query], n) =>
        RecordingWatcher.start({ apis, query, seed: SEED + n, livesMs: LIVES_MS }),
      );
      const load = startMixedLoad({ apis, seed: SEED, clients: 6, names: 8, ttlSeconds: TTL_SECONDS });
      ends.push(() => load.stop(), ...watchers.map(watcher => () => watcher.stop()));
      const explain = () => stateOf(nodes, watchers, load);
      const more = async () => {
        const before = load.acknowledged();
        await waitFor('the load goes on', () => load.acknowledged() > before + 150, PATIENCE_MS, explain);
      };
      for (let round = 0; round < ROUNDS; round++) {
        await more();
        const node = nodes[Math.floor(random() * count)]!;
        await node.kill();
        await more();
        await killConnections(database, random());
        await node.startAgain();
      }
      await more();
      await load.stop();

      const { head } = await assertCatalogInvariants(database.url);
      for (const watcher of watchers) {
        const isAtHead = () => watcher.position >= head.revision;
        await waitFor(`"${watcher.query}" has been told everything`, isAtHead, PATIENCE_MS, explain);
        await watcher.stop();
      }
      // Leases have ended since, and watchers were told: only now is everything in the log that anybody was told of.
      const { events } = await assertCatalogInvariants(database.url);
      for (const [n, [query, selects]] of WATCHES.entries()) {
        const { connections, resets } = watchers[n]!;
        expect(watchProblems(connections, events, selects, head.revision), query).toEqual([]);
        expect(resets, `${query} was reset although the history is the same`).toBe(0);
        expect(connections.filter(({ resumedAfter }) => resumedAfter !== undefined).length, query).toBeGreaterThan(1);
      }
    },
    TIMEOUT_MS,
  );
});
