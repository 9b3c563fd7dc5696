import { applyPatch, type Operation } from 'rfc6902';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StoredRecord } from '@coordination/catalog';
import { type Api, INSTANCES, type LeasedView, LONG_LEASE, named } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type CatalogNode, discover, eventsOf, headOf, startNode } from '../../support/catalog/catalog-service.js';
import { anIdentity } from '../../support/catalog/factories.js';
import { anOldOverride, OlderNode } from '../../support/nodes/older-node.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { migrate } from '../../support/database/schema.js';

const UNDO = `
  alter table instance_lease drop column incarnation_number;
  alter table service_instance drop column incarnation, drop column incarnation_number, drop column ended_incarnations;
  delete from mikro_orm_migrations where name = '20261127000600-incarnations'`;

let database: TestDatabase;
let older: OlderNode;
let node: CatalogNode;
/** Where the log stood when the version before had written all that it did alone. */
let upgradedAt: number;
const old = new Map<string, StoredRecord>();

const api = (): Api => node.api;

/** A catalog that the version before has made, and a node of this one that takes over. */
beforeAll(async () => {
  database = await createTestDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(UNDO);
  await client.end();
  older = await OlderNode.open(database.url);
  for (const instanceId of ['plain', 'stopping', 'maintenance', 'renamed', 'mixed']) {
    old.set(instanceId, await older.register(anIdentity({ instanceId })));
  }
  for (const status of ['stopping', 'maintenance'] as const) {
    const { id } = old.get(status)!;
    old.set(status, await older.change(id, 'instance.override_set', { override: anOldOverride(status) }));
  }
  expect(await migrate(database.url)).toEqual(['20261127000600-incarnations']);
  node = await startNode(database.url);
  upgradedAt = await headOf(api());
});
afterAll(async () => {
  await assertCatalogInvariants(database.url);
  await older.close();
  await node.close();
  await database.drop();
});

const body = (instanceId: string, differing: object = {}) => ({
  service: 'orders',
  instanceId,
  host: '10.0.0.1',
  port: 8080,
  check: LONG_LEASE,
  ...differing,
});

const register = (instanceId: string, differing: object = {}) =>
  api().ok('POST', INSTANCES, body(instanceId, differing));

const LIST = '/api/v1/discovery/services/orders/instances?status=any';

const found = async (query: string) =>
  (await api().ok<{ instances: LeasedView[] }>('GET', `${LIST}${query}`)).instances;

describe('What the version before had written', () => {
  it('is told with what it stands for: no incarnation, the first process, the scope of the status', async () => {
    const { instances } = await discover(api());
    expect(instances.map(one => [one.instanceId, one.incarnation, one.incarnationNumber, one.override?.scope])).toEqual(
      [
        ['maintenance', null, 1, 'instance'],
        ['mixed', null, 1, undefined],
        ['plain', null, 1, undefined],
        ['renamed', null, 1, undefined],
        ['stopping', null, 1, 'incarnation'],
      ],
    );
    const past = await api().ok<{ instances: LeasedView[] }>('GET', `${LIST}&asOf=${upgradedAt}`);
    expect(past.instances).toEqual(instances);
    const search = await api().ok<{ items: LeasedView[] }>('GET', '/api/v1/discovery/instances?service=orders');
    expect(search.items).toEqual(instances);
    expect(await api().ok('GET', named('stopping'))).toMatchObject({ override: { scope: 'incarnation' } });
    expect(await api().ok('GET', '/api/v1/audit/verify')).toMatchObject({ valid: true, checked: upgradedAt });
  });

  it('is found by filters that speak of incarnations, now and then', async () => {
    const filter = encodeURIComponent('incarnation is empty and incarnationNumber == 1 and instanceId matches "^pl"');
    expect(await found(`&filter=${filter}`)).toHaveLength(1);
    expect(await found(`&filter=${filter}&asOf=${upgradedAt}`)).toHaveLength(1);
  });

  it('stays what it is when it is registered as it was, without a revision', async () => {
    const before = await headOf(api());
    expect(await register('plain')).toMatchObject({ version: 1, incarnationNumber: 1 });
    expect(await headOf(api())).toBe(before);
  });

  it('goes on when its process starts again: an old override ends, or stays, by its status', async () => {
    expect(await register('stopping')).toMatchObject({ status: 'healthy', override: null, incarnationNumber: 2 });
    expect(await register('maintenance', { incarnation: 'boot-1' })).toMatchObject({
      status: 'maintenance',
      override: { status: 'maintenance', scope: 'instance' },
      incarnationNumber: 2,
    });
  });

  it('has a history whose patches apply one after the other, across the upgrade', async () => {
    await register('renamed', { zone: 'b' });
    await register('renamed', { zone: 'b', incarnation: 'boot-1' });
    await api().ok('PUT', `${named('renamed')}/override`, { status: 'stopped' });
    await register('renamed', { zone: 'b', incarnation: 'boot-2' });
    const { id } = old.get('renamed')!;
    const { items } = await api().ok<{ items: { instance: object; patch: Operation[] }[] }>(
      'GET',
      `/api/v1/audit/instances/${id}/history?order=asc`,
    );
    expect(items).toHaveLength(5);
    const built = {};
    for (const { instance, patch } of items) {
      expect(applyPatch(built, patch)).toEqual(patch.map(() => null));
      expect(built).toEqual(instance);
    }
    expect(built).toMatchObject({ incarnation: 'boot-2', incarnationNumber: 3, endedIncarnations: ['boot-1'] });
    const diff = await api().ok<{ services: { changed: { before: LeasedView; after: LeasedView }[] }[] }>(
      'GET',
      `/api/v1/discovery/diff?from=${upgradedAt}&service=orders`,
    );
    const names = diff.services[0]!.changed.map(({ before }) => before.instanceId);
    expect(names.sort()).toEqual(['maintenance', 'renamed', 'stopping']);
  });
});

describe('While nodes of both versions run', () => {
  const HEALTH = {
    state: 'degraded',
    failures: 1,
    output: 'slow',
    decidedBy: 'report',
    since: '2026-11-23T08:15:30.123Z',
  } as const;

  it('what an old one changes keeps its incarnation, on every node and for whoever names it', async () => {
    await register('mixed', { incarnation: 'boot-1' });
    const { id } = await register('mixed', { incarnation: 'boot-2' });
    const changed = await older.change(id, 'instance.health_changed', { health: HEALTH });
    const current = { incarnation: 'boot-2', incarnationNumber: 3, status: 'degraded', version: changed.version };
    const follower = await startNode(database.url);
    try {
      for (const each of [node, follower]) {
        const list = `${LIST}&minRevision=${changed.revision}`;
        const { instances } = await each.api.ok<{ instances: LeasedView[] }>('GET', list);
        expect(instances.find(one => one.id === id)).toMatchObject(current);
        const beat = await each.api.send('PUT', `${INSTANCES}/${id}/heartbeat?incarnation=boot-2`);
        expect(beat.status).toBe(204);
        expect((await each.api.send('PUT', `${INSTANCES}/${id}/heartbeat?incarnation=boot-1`)).status).toBe(409);
      }
    } finally {
      await follower.close();
    }
    expect(await api().read(id)).toMatchObject(current);
    const healed = await api().ok('POST', `${named('mixed')}/health-reports?incarnation=boot-2`, { healthy: true });
    expect(healed).toMatchObject({ status: 'healthy', incarnation: 'boot-2', incarnationNumber: 3 });
    expect(await register('mixed', { incarnation: 'boot-3' })).toMatchObject({ incarnationNumber: 4 });
    expect((await api().send('POST', INSTANCES, body('mixed', { incarnation: 'boot-1' }))).status).toBe(409);
    const [event] = await eventsOf(
      api(),
      `instance=${id}&action=instance.incarnation_started&afterRevision=${healed.revision}`,
    );
    expect(event).toMatchObject({ after: { endedIncarnations: ['boot-1', 'boot-2'] } });
  });

  it('what an old one registers is the first process, which named nothing', async () => {
    const { id, revision } = await older.register(anIdentity({ instanceId: 'late' }));
    const list = `${LIST}&minRevision=${revision}`;
    const { instances } = await api().ok<{ instances: LeasedView[] }>('GET', list);
    expect(instances.find(one => one.id === id)).toMatchObject({ incarnation: null, incarnationNumber: 1 });
    expect(await register('late', { incarnation: 'boot-1' })).toMatchObject({ id, incarnationNumber: 2 });
  });
});
