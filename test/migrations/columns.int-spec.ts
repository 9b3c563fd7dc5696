import { columnsOf } from '@coordination/database';
import { LIVENESS_ENTITIES } from '@coordination/liveness';
import { LOG_ENTITIES } from '@coordination/log';
import { REGISTRY_ENTITIES } from '@coordination/registry';
import { type EntityClass } from '@mikro-orm/postgresql';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';

const ENTITIES: readonly EntityClass<object>[] = [...LOG_ENTITIES, ...REGISTRY_ENTITIES, ...LIVENESS_ENTITIES];
const TABLES = ENTITIES.map(entity => columnsOf(entity)).map(columns => [columns.table, columns] as const);

/** A value of a type of PostgreSQL as rows have it. */
const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  uuid: fc.uuid(),
  text: fc.string({ unit: 'binary' }).map(text => text.replaceAll('\0', '')),
  smallint: fc.integer({ min: -32_768, max: 32_767 }),
  int: fc.integer(),
  bigint: fc.maxSafeInteger(),
  'double precision': fc.double({ noDefaultInfinity: true, noNaN: true }).filter(value => !Object.is(value, -0)),
  boolean: fc.boolean(),
  jsonb: fc.constantFrom<unknown>({}, { a: [1, 'x', null, { b: true }] }, [], 'text', 0, false),
  timestamptz: fc
    .date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2199-12-31T23:59:59Z'), noInvalidDate: true })
    .map(date => date.toISOString()),
};

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

describe('The entities', () => {
  it('have all tables that the migrations make', async () => {
    const { rows } = await client.query<{ name: string }>(
      `select c.relname as name from pg_class c
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
         and c.relname not like 'mikro\\_orm\\_%'`,
    );
    expect(TABLES.map(([table]) => table).toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
  });

  it.each(TABLES)('have the columns that the migrations make, and no others: %s', async (table, { columns }) => {
    const { rows } = await client.query<object>(
      `select a.attname as name, a.atttypid::regtype::text as type, not a.attnotnull as "isNullable",
         a.attgenerated <> '' as "isGenerated"
       from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`,
      [table],
    );
    const described = columns.map(({ name, type, isNullable, isGenerated }) => ({
      name,
      type: NAME_OF_TYPE[type] ?? type,
      isNullable,
      isGenerated,
    }));
    expect(new Set(described)).toEqual(new Set(rows.map(row => ({ ...row }))));
  });

  it.each(TABLES)('write any row, and read it as it was: %s', async (table, all) => {
    const columns = all.written();
    const row = fc.record(
      Object.fromEntries(
        columns.columns.map(({ property, type, isNullable }) => {
          const value = VALUES[type]!;
          return [property, isNullable ? fc.option(value) : value];
        }),
      ),
    );
    // Without the constraints, which say nothing of columns.
    await client.query(`create temp table copy as select * from ${table} with no data`);
    const write = `insert into copy (${columns.names()}) select ${columns.values('r')}
      from jsonb_to_recordset($1) as r (${columns.form()})`;
    const law = fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async rows => {
      await client.query('truncate copy');
      await client.query(write, [JSON.stringify(rows)]);
      const { rows: read } = await client.query<object>(`select ${columns.select()} from copy`);
      expect(read).toEqual(rows);
    });
    try {
      await fc.assert(law, { numRuns: 25 });
    } finally {
      await client.query('drop table copy');
    }
  });
});

/** What PostgreSQL calls types that have a shorter name. */
const NAME_OF_TYPE: Readonly<Record<string, string>> = { int: 'integer', timestamptz: 'timestamp with time zone' };
