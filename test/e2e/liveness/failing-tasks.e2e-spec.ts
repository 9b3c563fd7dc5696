import { type BackgroundTaskName } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExpiredKeysJob } from '@coordination/registry/testing';
import { PartitionHeadroomJob } from '@coordination/log/testing';
import { type LeasedView } from '../../support/http/api.js';
import { type CatalogNode, discover, startNode } from '../../support/catalog/catalog-service.js';
import { type GrantedRole, grantedRole } from '../../support/database/granted-role.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { unhurried } from '../../support/time/slowness.js';
import { httpTarget, type Target } from '../../support/http/targets.js';
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

const MINUTE_MS = 60_000;
const SERVICE = '/api/v1/discovery/services/orders/instances';

const ENV = {
  PCS_SELF_REGISTRATION: 'on',
  PCS_NODE_TTL_SECONDS: String(unhurried(2)),
  PCS_NODE_ID: 'node-a',
  PCS_LEASE_FLUSH_BOUND_MS: '500',
  PCS_VIEW_POLL_MS: '100',
};

let database: TestDatabase;
let role: GrantedRole;
let proxy: PostgresProxy;
let clock: SkippingClock;
let log: HeardLog;
let node: CatalogNode;
let target: Target;
let probeStatus = 200;

beforeAll(async () => {
  database = await createTestDatabase();
  role = await grantedRole(database);
  proxy = await PostgresProxy.start(role.url);
  clock = new SkippingClock();
  log = hearLog();
  node = await startNode(role.url, { ...ENV, DATABASE_LISTEN_URL: proxy.url }, clock);
  target = await httpTarget((_, response) => response.writeHead(probeStatus).end());
  await node.api.register({ instanceId: 'lasting' });
});

afterAll(async () => {
  await node.close();
  log.stop();
  await target.close();
  await proxy.shut();
  await role.remove();
});

const explain = async () => JSON.stringify((await healthOf(node.api)).body);

/** A turn that is under way while the clock is moved counts as one that hangs, for a moment: then nothing is told of a reason. */
const fails = (task: BackgroundTaskName, why = '') =>
  waitFor(
    `${task} fails`,
    async () => (await failingTasks(node.api)).get(task)?.lastError.includes(why) === true,
    PATIENCE_MS,
    explain,
  );

const recovers = async (...tasks: readonly BackgroundTaskName[]) => {
  for (const task of tasks) {
    await waitFor(`${task} is well`, async () => !(await failingTasks(node.api)).has(task), PATIENCE_MS, explain);
  }
};

/** A node that stays ready, and answers from memory, whatever fails. */
async function expectReadyAndReading(): Promise<void> {
  expect(await readinessOf(node.api)).toMatchObject({ status: 200 });
  expect((await discover(node.api)).instances.length).toBeGreaterThan(0);
}

/** That a task fails for a privilege, wherever it is told; and that this is over once the privilege is back. */
async function expectTold(task: BackgroundTaskName, missing: string): Promise<void> {
  await fails(task, missing);
  await expectReadyAndReading();
  const { status, body } = await healthOf(node.api);
  expect({ status, told: body.status, part: body.details.tasks!.status }).toEqual({
    status: 200,
    told: 'degraded',
    part: 'degraded',
  });
  const trouble = (await failingTasks(node.api)).get(task)!;
  expect(trouble).toMatchObject({ lastError: expect.stringContaining(missing) as string });
  expect(trouble.failuresInARow).toBeGreaterThanOrEqual(2);
  expect(new Date(trouble.since).toISOString()).toBe(trouble.since);
  expect(await taskMetric(node.api, 'failing', task)).toBe(1);
  expect(await taskMetric(node.api, 'failures_total', task)).toBeGreaterThanOrEqual(2);
  expect(log.of(task).at(-1)).toMatchObject({ level: 'warn', msg: expect.stringContaining(missing) as string });
}

async function expectOver(task: BackgroundTaskName): Promise<void> {
  await recovers(task);
  expect(await taskMetric(node.api, 'failing', task)).toBe(0);
  expect(await taskMetric(node.api, 'last_success_timestamp_seconds', task)).toBeGreaterThan(0);
  expect(log.of(task).at(-1)).toMatchObject({ level: 'log', msg: expect.stringContaining('works again') as string });
}

/** What is told is only said again a minute later, which a test does not wait for. */
const forgetWhatWasSaid = () => clock.skip(MINUTE_MS);

describe('A node whose role lacks privileges that it had', () => {
  it('ends no lease, says why on and on at a bounded rate, and ends them once it may again', async () => {
    const mortal = await node.api.register({
      instanceId: 'mortal',
      check: { kind: 'heartbeat', ttlSeconds: unhurried(4), deregisterAfterSeconds: 0 },
    });
    await role.run('revoke all on liveness_guard, liveness_order, idempotency_key from app');
    await expectTold('lease-sweep', 'permission denied for table liveness_guard');
    await expectTold('guard-watch', 'permission denied for table liveness_guard');
    const { since } = (await failingTasks(node.api)).get('lease-sweep')!;
    const said = () => log.of('lease-sweep').filter(({ level }) => level === 'warn').length;
    const before = said();
    const failures = await taskMetric(node.api, 'failures_total', 'lease-sweep');
    await waitFor(
      'it fails more often',
      async () => (await taskMetric(node.api, 'failures_total', 'lease-sweep')) >= failures + 3,
    );
    expect(said(), 'no line for each failure').toBe(before);
    for (let minute = 1; minute <= 3; minute++) {
      clock.skip(MINUTE_MS);
      await waitFor('it is said again', () => said() === before + minute);
    }
    expect(log.of('lease-sweep').at(-1)).toMatchObject({ since, msg: expect.stringContaining(since) as string });
    expect(JSON.stringify(log.tasks), 'no statement').not.toMatch(/\bselect\b|\bwhere\b/i);
    const { expiresAt } = await node.api.read(mortal.id);
    await waitFor('its lease has been over for long', () => Date.now() > Date.parse(expiresAt!) + 3_000);
    const { body } = await healthOf(node.api);
    expect(body.details.liveness!.lastSweepSecondsAgo).toBeGreaterThan(2);
    expect((await node.api.read(mortal.id)).status).toBe('healthy');
    await expectReadyAndReading();

    await role.run('grant select, insert, update, delete on liveness_guard, liveness_order, idempotency_key to app');
    await expectOver('lease-sweep');
    await expectOver('guard-watch');
    await waitFor('the lease ends', async () => (await node.api.read(mortal.id)).status === 'unhealthy');
    await recovers('idempotency-key-expiry');
    // What the database refused is told for some seconds.
    await waitFor('all is well', async () => (await healthOf(node.api)).body.status === 'ok');
  });

  it.each<{ task: BackgroundTaskName; privilege: string; missing: string; begin?: () => void }>([
    { task: 'role-election', privilege: 'update on node_role', missing: 'node_role' },
    { task: 'override-end', privilege: 'select on service_instance', missing: 'service_instance' },
    { task: 'catalog-follower', privilege: 'select on catalog_head', missing: 'catalog_head' },
    {
      task: 'idempotency-key-expiry',
      privilege: 'delete on idempotency_key',
      missing: 'idempotency_key',
      // It looks once a minute; one more that looks at once.
      begin: () => node.app.get(ExpiredKeysJob, { strict: false }).onApplicationBootstrap(),
    },
    {
      task: 'log-partitions',
      privilege: 'execute on function ensure_service_event_partitions',
      missing: 'ensure_service_event_partitions',
      begin: () => node.app.get(PartitionHeadroomJob, { strict: false }).onApplicationBootstrap(),
    },
  ])('tells that $task fails without $privilege', async ({ task, privilege, missing, begin }) => {
    forgetWhatWasSaid();
    if (task === 'log-partitions') await role.run('drop table service_event_p1');
    await role.run(`revoke ${privilege} from app`);
    begin?.();
    await expectTold(task, missing);
    await role.run(`grant ${privilege} to app`);
    await expectOver(task);
  });

  it('tells that it writes no heartbeats, which get 503, and that it cannot renew itself', async () => {
    forgetWhatWasSaid();
    const instance = (await discover(node.api)).instances.find(({ instanceId }) => instanceId === 'lasting');
    const beat = async () =>
      (await node.api.send('PUT', `/api/v1/registry/instances/${instance!.id}/heartbeat`)).status;
    expect(await beat()).toBe(204);
    await role.run('revoke update on instance_lease from app');
    await waitFor('heartbeats are refused', async () => (await beat()) === 503);
    await expectTold('lease-flush', 'permission denied for table instance_lease');
    await fails('node-registration');
    await role.run('grant update on instance_lease to app');
    await waitFor('heartbeats are taken', async () => (await beat()) === 204);
    await expectOver('lease-flush');
    await expectOver('node-registration');
  });

  it('tells of a single override that it cannot end, and ends the others', async () => {
    const until = new Date(Date.now() + unhurried(5_000)).toISOString();
    const override = async (instanceId: string) => {
      const { id } = await node.api.register({ instanceId });
      await node.api.ok('PUT', `/api/v1/registry/instances/${id}/override`, { status: 'maintenance', until });
      return async () => (await node.api.read(id)).status;
    };
    const [stuck, free] = [await override('stuck'), await override('free')];
    await role.run(
      `alter table service_instance add constraint kept check (instance_id <> 'stuck' or override is not null) not valid`,
    );
    forgetWhatWasSaid();
    await expectTold('override-end', 'breaks the rule kept of the database');
    await waitFor('the other one ends', async () => (await free()) === 'healthy');
    expect(await stuck()).toBe('maintenance');
    await role.run('alter table service_instance drop constraint kept');
    await waitFor('it ends', async () => (await stuck()) === 'healthy');
    await expectOver('override-end');
  });

  it('tells that what probes found is not written, also when all others are well', async () => {
    forgetWhatWasSaid();
    const check = { kind: 'http', intervalSeconds: 1, failureThreshold: 1 };
    const probed = await node.api.register({ instanceId: 'probed', host: '127.0.0.1', port: target.port, check });
    const state = async () => (await node.api.read(probed.id)).status;
    await waitFor('it is healthy', async () => (await state()) === 'healthy');
    await role.run('revoke update on service_instance from app');
    probeStatus = 500;
    await expectTold('probe-reports', 'service_instance');
    expect(await state()).toBe('healthy');
    await role.run('grant update on service_instance to app');
    await waitFor('it is unhealthy', async () => (await state()) === 'unhealthy');
    await expectOver('probe-reports');
    await role.run('revoke update on instance_lease from app');
    await fails('probe-notes');
    await role.run('grant update on instance_lease to app');
    await recovers('probe-notes', 'lease-flush', 'lease-sweep', 'node-registration');
  });
});

describe('A node that is not notified', () => {
  it('says nothing in health of a connection that was closed once, and listens again', async () => {
    const warned = await taskMetric(node.api, 'failures_total', 'notification-listener');
    await role.run(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'platform-coordination listener'`);
    await waitFor(
      'the loss was noticed',
      async () => (await taskMetric(node.api, 'failures_total', 'notification-listener')) === warned + 1,
    );
    expect((await failingTasks(node.api)).has('notification-listener')).toBe(false);
    await waitFor('it listens', () => log.of('notification-listener').at(-1)?.level === 'log');
  });

  it('says so when it can listen no more, and finds changes nevertheless', async () => {
    forgetWhatWasSaid();
    proxy.setRefusing(true);
    await fails('notification-listener');
    await expectReadyAndReading();
    const { id } = await node.api.register({ instanceId: 'polled' });
    await waitFor('it is found', async () => (await discover(node.api)).instances.some(one => one.id === id));
    proxy.setRefusing(false);
    await expectOver('notification-listener');
  });
});

describe('A node that cannot read the log any more, while others write', () => {
  const LIMIT_SECONDS = unhurried(10);
  let reader: CatalogNode;

  beforeAll(async () => {
    await recovers('catalog-follower', 'notification-listener');
    reader = await startNode(role.url, {
      ...ENV,
      PCS_NODE_ID: 'node-b',
      PCS_STALENESS_LIMIT_SECONDS: `${LIMIT_SECONDS}`,
    });
  });
  afterAll(() => reader.close());

  it('is ready and answers from memory, older and older, until the limit, and is back by itself', async () => {
    await role.run('revoke select on service_event from app');
    const other = await startNode(database.url, { PCS_NODE_ID: 'node-c' });
    try {
      const instance: LeasedView = await other.api.register({ instanceId: 'news' });
      await waitFor('the follower fails', async () => (await failingTasks(reader.api)).has('catalog-follower'));
      expect((await failingTasks(reader.api)).get('catalog-follower')).toMatchObject({
        lastError: 'permission denied for table service_event',
        sqlState: '42501',
      });
      const seen: { ready: number; staleness: number }[] = [];
      await waitFor(
        'the node is not ready',
        async () => {
          const { status, body } = await readinessOf(reader.api);
          seen.push({ ready: status, staleness: body.details.view!.stalenessSeconds });
          return status === 503;
        },
        PATIENCE_MS,
      );
      expect(seen.length).toBeGreaterThan(1);
      for (const { ready, staleness } of seen) expect(ready === 200).toBe(staleness <= LIMIT_SECONDS);
      expect(await reader.api.get(SERVICE)).toMatchObject({ status: 503, body: { code: 'STALE_VIEW' } });
      expect((await reader.api.get('/health/live')).status).toBe(200);

      await role.run('grant select on service_event to app');
      await waitFor('the node is ready', async () => (await readinessOf(reader.api)).status === 200);
      await waitFor('it knows what has come', async () =>
        (await discover(reader.api)).instances.some(({ id }) => id === instance.id),
      );
      await waitFor('it is well', async () => !(await failingTasks(reader.api)).has('catalog-follower'));
    } finally {
      await other.close();
    }
  });
});
