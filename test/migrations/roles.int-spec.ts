import { compactLog, type LogHead, ServiceEventRepository } from '@coordination/log';
import { newId } from '@coordination/kernel';
import { EmptyServiceRepository, IdempotencyKeyRepository } from '@coordination/registry/testing';
import { type ServiceTouch, toEmptyServicesDropped } from '@coordination/catalog';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type DatabaseRoles, makeRoles, runSql } from '../support/database/database-roles.js';
import { disposableDirectory } from '../support/disposable-directory.js';
import { anIdentity, anOrigin, aRepeatableCall, aSpec, registerCommand } from '../support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { startWriter, type WritingNode } from '../support/catalog/writer.js';
import { migrate, pendingMigrations } from '../support/database/schema.js';

let database: TestDatabase;
let node: WritingNode;
let app: Client;
let roles: DatabaseRoles;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
  roles = await makeRoles(database);
  await migrate(roles.as(roles.owner), { appRole: { named: roles.app } });
  app = new Client({ connectionString: roles.as(roles.app) });
  await app.connect();
  node = await startWriter(roles.as(roles.app));
});

afterAll(async () => {
  await node.close();
  await app.end();
  await database.drop();
  await roles.remove();
});

describe('The role of the service', () => {
  it('can do all that the service does', async () => {
    const identities = ['a', 'b'].map(instanceId => anIdentity({ instanceId }));
    const { results } = await node.submit(...identities.map(identity => registerCommand({ id: newId(), identity })));
    await node.submit(registerCommand({ id: newId(), identity: identities[0]!, spec: aSpec({ port: 9_999 }) }));
    const { id } = results[1]!.leased!.instance;
    const keyed = anOrigin({ repeatable: aRepeatableCall('k') });
    const report = { kind: 'report-health', target: { id }, report: { healthy: false, output: '' } } as const;
    const twice = [1, 2].map(() => node.writer.submit({ commands: [report], origin: keyed }));
    expect((await Promise.all(twice)).map(({ results: [one] }) => one!.leased!.instance.version)).toEqual([2, 2]);
    await app.query(`update idempotency_key set at = at - interval '25 hours'`);
    expect(await new IdempotencyKeyRepository(24).deleteExpired(node.databases.em('reads'), 10)).toBe(1);
    await node.submit({ kind: 'deregister', target: { id }, ifMatch: undefined });
    const { events } = await assertCatalogInvariants(roles.as(roles.app));
    expect(events).toHaveLength(5);
  });

  it('drops services by the function of the owner, and only those that have no instances', async () => {
    const identity = anIdentity({ service: 'short-lived' });
    await node.submit(registerCommand({ id: newId(), identity }));
    await node.submit({ kind: 'deregister', target: { identity }, ifMatch: undefined });
    const { rows } = await app.query<ServiceTouch>(
      `select namespace, service, revision::float8 as revision from service_revision order by revision`,
    );
    expect(rows.map(({ service }) => service)).toEqual(['orders', 'short-lived']);
    await node.writer.submit({
      commands: [],
      origin: anOrigin(),
      systemEvent: {
        ...toEmptyServicesDropped(rows.at(-1)!),
        write: em => new EmptyServiceRepository().drop(em, rows),
        isAlone: true,
      },
    });
    const left = await app.query<{ service: string }>('select service from service_revision');
    expect(left.rows).toEqual([{ service: 'orders' }]);
    await assertCatalogInvariants(roles.as(roles.app));
  });

  it('has partitions made ahead by the function of the owner', async () => {
    const upto = await new ServiceEventRepository().ensurePartitions(node.databases.em('writer'), 7_000_000);
    expect(upto).toBe(8_999_999);
    const { rows } = await app.query<{ owner: string }>(
      `select relowner::regrole::text as owner from pg_class where relname = 'service_event_p8'`,
    );
    expect(rows).toEqual([{ owner: roles.owner }]);
  });

  it('cannot put tables of its own in the way of that function', async () => {
    await app.query('create temporary table service_event (revision bigint) partition by range (revision)');
    await app.query('select ensure_service_event_partitions(11000000)');
    await app.query('drop table pg_temp.service_event');
    const { rows } = await app.query<{ parent: string }>(
      `select inhparent::regclass::text as parent from pg_inherits where inhrelid = 'public.service_event_p11'::regclass`,
    );
    expect(rows).toEqual([{ parent: 'service_event' }]);
  });

  it('sees that the schema is the right one', async () => {
    expect(await pendingMigrations(roles.as(roles.app))).toEqual([]);
  });

  it.each([
    'update service_event set actor = actor',
    'delete from service_event',
    'truncate service_event',
    'insert into service_event_p0 select * from service_event',
    'select from service_event_p0',
    'update service_event_p0 set actor = actor',
    'delete from service_event_p0',
    'truncate service_event_p0',
    'alter table service_event disable trigger all',
    'alter table service_event_p0 disable trigger all',
    'alter table service_event detach partition service_event_p0',
    'drop table service_event',
    'drop table service_event_p0',
    'drop trigger service_event_append_only on service_event',
    'create or replace function refuse_service_event_change() returns trigger language plpgsql as $$begin return new; end$$',
    'alter function ensure_service_event_partitions security invoker',
    'set session_replication_role = replica',
    'delete from catalog_head',
    'insert into catalog_head select * from catalog_head',
    'truncate catalog_head',
    'delete from service_revision',
    'insert into namespace_floor select * from namespace_floor',
    'delete from namespace_floor',
    'create table mine (id int)',
    'set role :owner',
    'delete from mikro_orm_migrations',
    'alter table service_event detach partition service_event_p0 concurrently',
    'insert into log_cut select * from log_cut',
    "update log_cut set hash = 'x'",
    'delete from log_cut',
    'insert into catalog_baseline select * from catalog_baseline',
    'delete from catalog_baseline',
    'set role :maintenance',
  ])('cannot: %s', async statement => {
    const before = await app.query<LogHead>('select * from service_event order by revision');
    // 42501: by privilege, before any trigger is asked.
    const named = statement.replace(/:(owner|maintenance)$/, (_, who: 'owner' | 'maintenance') => roles[who]);
    await expect(app.query(named)).rejects.toMatchObject({
      code: '42501',
      message: expect.not.stringContaining('append-only') as string,
    });
    expect((await app.query('select * from service_event order by revision')).rows).toEqual(before.rows);
  });

  it('sees where the log begins, and what was there', async () => {
    expect((await app.query('select from log_cut')).rows).toEqual([]);
    expect((await app.query('select from catalog_baseline')).rows).toEqual([]);
  });

  it('is made by what is shipped, which can be repeated', async () => {
    await expect(roles.again()).resolves.toBeUndefined();
    const said: string[] = [];
    await migrate(roles.as(roles.owner), { appRole: { named: roles.app }, log: line => said.push(line) });
    expect(said).toEqual([]);
  });
});

const compact = (role: string, exportDir: string) =>
  compactLog(
    { url: roles.as(role), ssl: 'off' },
    { retentionDays: 0, exportDir, mostPartitions: 1, patienceMs: 10_000, isDryRun: false },
    () => undefined,
  );

describe('The role of the maintenance', () => {
  it('removes the beginning of the log, which the role of the service cannot, under a service that goes on', async () => {
    const directory = disposableDirectory();
    try {
      // The next partition: only a test does such a thing.
      await runSql(database.url, 'update catalog_head set revision = 1000000');
      await expect(compact(roles.app, directory.path)).rejects.toThrow('may not remove anything from the log');
      await compact(roles.maintenance, directory.path);
    } finally {
      await directory.remove();
    }
    expect((await app.query('select revision from service_event')).rows).toEqual([{ revision: '1000001' }]);
    const { revision } = await node.submit(registerCommand({ id: newId(), identity: anIdentity({ instanceId: 'z' }) }));
    expect(revision).toBe(1_000_002);
    const { rows } = await app.query<{ name: string }>(`select to_regclass('service_event_p0')::text as name`);
    expect(rows).toEqual([{ name: null }]);
  });
});
