import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, named } from '../http/api.js';
import { type CatalogNode, startNode } from '../catalog/catalog-service.js';
import { MovableClock } from './movable-clock.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';
import { waitFor } from '../time/wait-for.js';

const YEAR_S = 365 * 86_400;
const ROOT = join(import.meta.dirname, '../../..');

let database: TestDatabase;
let clock: MovableClock;
let node: CatalogNode;

beforeAll(async () => {
  database = await createTestDatabase();
  clock = await MovableClock.install(database);
  await clock.set(YEAR_S);
  node = await startNode(database.url, { PCS_SELF_REGISTRATION: 'on' });
});

afterAll(async () => {
  await node.close();
  await clock.close();
  await database.drop();
});

describe('A clock that can be moved', () => {
  it('moves for all who are connected, at once', async () => {
    expect(await clock.now()).toBeGreaterThan(Date.now() + (YEAR_S - 3_600) * 1_000);
    const [row] = await clock.sql<{ clocks: number }>(
      `select count(distinct date_trunc('day', at))::int as clocks from unnest(array[
         now(), clock_timestamp(), statement_timestamp(), transaction_timestamp()]) at
       where at > pg_catalog.now() + interval '364 days'`,
    );
    expect(row!.clocks).toBeGreaterThan(0);
  });

  it('is the one that every statement of the service goes by: no time that is stored is another', async () => {
    const { api } = node;
    const { id } = await api.register({ instanceId: 'a' });
    await api.ok('PUT', `${INSTANCES}/${id}/override`, { status: 'maintenance' });
    await api.ok('POST', `${INSTANCES}/${id}/health-reports`, { healthy: true });
    await api.ok('PUT', `${named('a')}/heartbeat`);
    await api.register({ instanceId: 'b' }, { 'idempotency-key': 'once' });
    await api.ok('POST', '/api/v1/liveness/guard', { action: 'force', scope: 'all', reason: 'test' });
    const present = new Date(await clock.now()).toISOString();
    await api.ok('GET', `/api/v1/discovery/services/orders/instances?status=any&asOf=${present}`);
    await waitFor('the sign of life is noted', async () => {
      return (await clock.sql('select from instance_lease where checked_at is not null')).length > 0;
    });
    await waitFor('the sweeper has worked', async () => {
      const roles = await clock.sql('select from node_role where worked_at is not null');
      const guards = await clock.sql('select from liveness_guard');
      return roles.length > 0 && guards.length > 0;
    });
    const columns = await clock.sql<{ table: string; column: string }>(
      `select c.table_name as "table", c.column_name as "column" from information_schema.columns c
       join information_schema.tables t using (table_schema, table_name)
       where t.table_type = 'BASE TABLE' and c.table_schema = 'public' and c.data_type like 'timestamp%'
         and c.table_name not like 'mikro_orm%'`,
    );
    const stored: string[] = [];
    for (const { table, column } of columns) {
      const [row] = await clock.sql<{ all: number; right: number }>(
        `select count(${column})::int as "all", count(*) filter (where ${column} > pg_catalog.now() + interval '364 days')::int
           as "right" from ${table}`,
      );
      expect(row!.right, `${table}.${column}`).toBe(row!.all);
      if (row!.all > 0) stored.push(`${table}.${column}`);
    }
    expect(stored).toEqual(
      expect.arrayContaining([
        'catalog_head.at',
        'catalog_head.settled_at',
        'service_event.at',
        'service_instance.registered_at',
        'service_instance.updated_at',
        'instance_lease.renewed_at',
        'instance_lease.checked_at',
        'node_role.expires_at',
        'node_role.back_since',
        'node_role.witnessed_at',
        'node_role.worked_at',
        'liveness_guard.since',
        'liveness_guard.until',
        'liveness_order.ordered_at',
        'liveness_order.until',
        'idempotency_key.at',
      ]),
    );
    const { health, override } = await api.read(id);
    const lowest = new Date(Date.now() + (YEAR_S - 86_400) * 1_000).toISOString();
    expect(health.since > lowest && override!.setAt > lowest).toBe(true);
  });

  it('cannot be got round: nothing asks for the time in a way that it does not see', async () => {
    const pinned = await clock.sql(
      `select proname from pg_proc p where pronamespace = 'public'::regnamespace and proconfig::text like '%search_path%'
         and prosrc ~* '\\m(clock_timestamp|now|statement_timestamp|transaction_timestamp|current_timestamp)\\M'`,
    );
    expect(pinned, 'functions whose search path is pinned').toEqual([]);
    const defaults = await clock.sql(
      `select adrelid::regclass::text as table from pg_attrdef
       where pg_get_expr(adbin, adrelid) ~* '(now|timestamp)' and adrelid::regclass::text not like 'mikro_orm%'`,
    );
    expect(defaults, 'defaults of columns').toEqual([]);
    const asking = ['libs', 'migrations', 'scripts', 'apps']
      .flatMap(folder =>
        readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(p => join(folder, p)),
      )
      .filter(path => /\.(ts|mjs|sql)$/.test(path) && !path.endsWith('spec.ts') && !path.includes('node_modules'))
      .filter(path =>
        /\b(current_timestamp|localtimestamp|localtime|current_time|current_date|timeofday|pg_catalog\.(now|clock))\b/i.test(
          readFileSync(join(ROOT, path), 'utf8'),
        ),
      );
    expect(asking, 'files that ask for the time by a keyword').toEqual([]);
  });
});
