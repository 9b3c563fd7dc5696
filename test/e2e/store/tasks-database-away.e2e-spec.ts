import { type BackgroundTaskName } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES } from '../../support/http/api.js';
import { type CatalogNode, discover, headOf, startNode } from '../../support/catalog/catalog-service.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { unhurried } from '../../support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import {
  failingTasks,
  healthOf,
  hearLog,
  type HeardLog,
  readinessOf,
  SkippingClock,
  taskMetric,
} from '../../support/nodes/reported-tasks.js';
import { PATIENCE_MS, waitFor } from '../../support/time/wait-for.js';
import { startWatching, type Watching } from '../../support/watch/watching.js';

const MINUTE_MS = 60_000;

/** What looks at the database all the time. */
const ALWAYS: readonly BackgroundTaskName[] = [
  'role-election',
  'guard-watch',
  'override-end',
  'catalog-follower',
  'notification-listener',
  'node-registration',
  'lease-flush',
];

let database: TestDatabase;
let proxy: PostgresProxy;
let clock: SkippingClock;
let log: HeardLog;
let node: CatalogNode;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  clock = new SkippingClock();
  log = hearLog();
  const env = {
    PCS_SELF_REGISTRATION: 'on',
    PCS_NODE_TTL_SECONDS: String(unhurried(2)),
    PCS_LEASE_FLUSH_BOUND_MS: '500',
    PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)),
    PCS_VIEW_POLL_MS: '100',
  };
  node = await startNode(proxy.url, env, clock);
  await node.api.register();
  await waitFor(
    'it sweeps',
    async () => (await taskMetric(node.api, 'last_success_timestamp_seconds', 'lease-sweep')) > 0,
  );
});
afterAll(async () => {
  await node.close();
  log.stop();
  await proxy.shut();
  await database.drop();
});

const explain = async () => JSON.stringify((await healthOf(node.api)).body);

/** How often each task has warned. */
const warnings = () => {
  const counts = new Map<string, number>();
  for (const { level, task = '' } of log.tasks) if (level === 'warn') counts.set(task, (counts.get(task) ?? 0) + 1);
  return counts;
};

describe.each([
  { how: 'refuses connections', goAway: () => proxy.shut(), comeBack: () => proxy.open() },
  { how: 'says nothing', goAway: async () => proxy.setSilent(true), comeBack: async () => proxy.setSilent(false) },
])('While the database $how', ({ goAway, comeBack }) => {
  let othersBefore = 0;

  beforeAll(async () => {
    // Whatever was said before counts for no minute of this test.
    clock.skip(MINUTE_MS);
    othersBefore = log.others.length;
    await goAway();
  });

  it('all that looks at it is named, the node stays ready and answers from memory', async () => {
    for (const task of ALWAYS) {
      await waitFor(`${task} is named`, async () => (await failingTasks(node.api)).has(task), PATIENCE_MS, explain);
    }
    await waitFor('nobody sweeps without the role', async () => !(await failingTasks(node.api)).has('lease-sweep'));
    const { status, body } = await healthOf(node.api);
    expect({ status, told: body.status }).toEqual({ status: 200, told: 'degraded' });
    expect(await readinessOf(node.api)).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect((await discover(node.api)).instances).toHaveLength(1);
    expect(JSON.stringify(body), 'no password').not.toContain(new URL(database.url).password || 'a password');
  });

  it('each task says so once a minute at most, however often it fails', async () => {
    const failures = await taskMetric(node.api, 'failures_total', 'role-election');
    await waitFor(
      'it fails on',
      async () => (await taskMetric(node.api, 'failures_total', 'role-election')) >= failures + 2,
      PATIENCE_MS,
    );
    const before = warnings();
    clock.skip(MINUTE_MS);
    const from = clock.monotonicMs();
    const isSaidAgain = (task: BackgroundTaskName) => warnings().get(task)! > before.get(task)!;
    for (const task of ALWAYS) await waitFor(`${task} is said again`, () => isSaidAgain(task), PATIENCE_MS);
    await waitFor(
      'it fails on',
      async () => (await taskMetric(node.api, 'failures_total', 'role-election')) >= failures + 4,
      PATIENCE_MS,
    );
    const minutes = Math.ceil((clock.monotonicMs() - from) / MINUTE_MS);
    for (const [task, count] of warnings()) expect(count - (before.get(task) ?? 0), task).toBeLessThanOrEqual(minutes);
    expect(log.others.length - othersBefore, log.others.slice(othersBefore).join('\n')).toBeLessThanOrEqual(5);
  });

  it('all of it is well again by itself once it is back, and says so once', async () => {
    const from = log.tasks.length;
    await comeBack();
    await waitFor('nothing fails', async () => (await healthOf(node.api)).body.status === 'ok', PATIENCE_MS, explain);
    const said = log.tasks.slice(from).filter(({ level }) => level === 'log');
    for (const task of ALWAYS) {
      expect(said.filter(line => line.task === task).map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/works again; it had failed \d+ times since /),
      ]);
    }
    await waitFor('it sweeps', async () => (await healthOf(node.api)).body.details.liveness!.lastSweepSecondsAgo! <= 2);
  });
});

describe('A watch that is behind while the database is away', () => {
  let behind: CatalogNode;
  let watching: Watching | undefined;

  beforeAll(async () => {
    behind = await startNode(proxy.url, { PCS_FEED_MAX_CHANGES: '100' });
  });
  afterAll(async () => {
    await watching?.stop();
    await behind.close();
  });

  it('waits, which is told, and goes on by itself', async () => {
    const since = await headOf(behind.api);
    const { id } = await behind.api.register({ service: 'watched' });
    for (let n = 0; n < 150; n++) await behind.api.ok('PATCH', `${INSTANCES}/${id}`, { weight: n + 1 });
    await proxy.shut();
    watching = startWatching(behind.api, `service=watched&since=${since}`);
    await waitFor(
      'it is told',
      async () => (await failingTasks(behind.api)).has('watch-catch-up'),
      PATIENCE_MS,
      async () => JSON.stringify((await healthOf(behind.api)).body),
    );
    await proxy.open();
    await waitFor('it was told all', () => watching!.told().length > 150, PATIENCE_MS);
    await waitFor('it is over', async () => !(await failingTasks(behind.api)).has('watch-catch-up'));
  });
});
