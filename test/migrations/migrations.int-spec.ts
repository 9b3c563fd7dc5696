import { LOG_ENTITIES } from '@coordination/log';
import { LIVENESS_ENTITIES } from '@coordination/liveness';
import { REGISTRY_ENTITIES } from '@coordination/registry';
import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';
import { MIGRATIONS } from '../../migrations/index.js';
import { migrate, pendingMigrations } from '../support/database/schema.js';

const NAMES = MIGRATIONS.map(migration => migration.name);

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await database.drop();
});

/** Everything in the schema that a migration can make, but for the migrator's own. */
const objects = async (): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(`
    select 'relation ' || relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relname !~ '^mikro_orm'
    union all select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
    union all select 'type ' || typname from pg_type where typnamespace = 'public'::regnamespace and typname !~ 'mikro_orm'
    order by name`);
  return rows.map(row => row.name);
};

const countPartitions = async () => (await objects()).filter(name => /^relation service_event_p\d+$/.test(name)).length;

describe('The migrations', () => {
  it('go up, down to nothing, and up again to the same', async () => {
    expect(await pendingMigrations(database.url)).toEqual(NAMES);
    expect(await migrate(database.url)).toEqual(NAMES);
    expect(await pendingMigrations(database.url)).toEqual([]);
    const made = await objects();
    expect(made).toContain('relation service_event_p0');

    await migrate(database.url, { direction: 'down' });
    expect(await objects()).toEqual([]);
    expect(await pendingMigrations(database.url)).toEqual(NAMES);

    expect(await migrate(database.url)).toEqual(NAMES);
    expect(await objects()).toEqual(made);
  });

  it('change nothing of a schema that is up to date', async () => {
    await migrate(database.url);
    await client.query('update catalog_head set fence = 7');
    expect(await migrate(database.url)).toEqual([]);
    const { rows } = await client.query<{ fence: string }>('select fence from catalog_head');
    expect(rows).toEqual([{ fence: '7' }]);
  });

  it('are applied once when ten nodes start at the same time', async () => {
    const applied = await Promise.all(Array.from({ length: 10 }, () => migrate(database.url)));
    expect(applied.filter(names => names.length > 0)).toEqual([NAMES]);
    const { rows } = await client.query<{ count: number }>('select count(*)::int as count from mikro_orm_migrations');
    expect(rows).toEqual([{ count: NAMES.length }]);
  });

  it('make the schema that the entities describe: the two have not drifted apart', async () => {
    await migrate(database.url);
    const orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [...LOG_ENTITIES, ...REGISTRY_ENTITIES, ...LIVENESS_ENTITIES],
      logger: () => undefined,
      schemaGenerator: {
        ignoreTriggers: true,
        ignoreRoutines: true,
        skipTables: [/^service_event_p\d+$/, 'mikro_orm_migrations'],
      },
    });
    try {
      expect(await orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
    } finally {
      await orm.close(true);
    }
  });

  it('begin a history: revision 0, the first previous hash, an epoch and the identity of the server', async () => {
    await migrate(database.url);
    const { rows } = await client.query('select * from catalog_head');
    expect(rows).toEqual([
      {
        id: 1,
        revision: '0',
        hash: '0'.repeat(64),
        at: expect.any(Date),
        epoch: expect.stringMatching(/^[0-9a-f-]{36}$/),
        fence: '0',
        system_identifier: expect.stringMatching(/^\d+$/),
        timeline: 1,
        settled_at: null,
      },
    ]);
  });

  it('give the log partitions ahead, and make more where they are asked for', async () => {
    await migrate(database.url);
    expect(await countPartitions()).toBe(2);
    const ensure = 'select ensure_service_event_partitions($1)::int as upto';
    expect((await client.query<{ upto: number }>(ensure, [1_500_000])).rows).toEqual([{ upto: 2_999_999 }]);
    expect((await client.query<{ upto: number }>(ensure, [1_500_000])).rows).toEqual([{ upto: 2_999_999 }]);
    expect(await countPartitions()).toBe(3);
  });
});
