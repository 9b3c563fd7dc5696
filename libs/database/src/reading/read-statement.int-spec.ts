import { StoreUnavailableError } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { Databases } from '../connections/databases.js';
import { query } from './query.js';
import { readStatement } from './read-statement.js';

let database: TestDatabase;
let databases: Databases;

const open = (url: string) => Databases.open({ url, ssl: 'off', poolMax: 3, entities: [] });

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await open(database.url);
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

describe('readStatement', () => {
  it('asks in no transaction, on the connections of its purpose', async () => {
    const asked = "select current_setting('application_name') as name, now() = statement_timestamp() as single";
    for (const purpose of ['reads', 'writer'] as const) {
      const rows = await readStatement(databases, em => query(em, asked), { purpose });
      expect(rows).toEqual([{ name: `platform-coordination ${purpose}`, single: true }]);
    }
  });

  it('does not wait for ever, and gives the connection back', async () => {
    const stuck = readStatement(databases, em => query(em, 'select pg_sleep(60)'), { timeoutMs: 100 });
    await expect(stuck).rejects.toThrow(StoreUnavailableError);
    await waitFor('the connections to be free', () => {
      const { open: all, idle } = databases.use().find(({ purpose }) => purpose === 'reads')!;
      return all === idle;
    });
    await expect(readStatement(databases, em => query(em, 'select 1 as one'))).resolves.toEqual([{ one: 1 }]);
  });

  it('tells of a database that is not there, and of a mistake of ours as it is', async () => {
    const url = new URL(database.url);
    url.port = '1';
    const away = await open(url.href);
    try {
      await expect(readStatement(away, em => query(em, 'select 1'))).rejects.toThrow(StoreUnavailableError);
    } finally {
      await away.close();
    }
    const mistaken = readStatement(databases, em => query(em, 'select from where'));
    await expect(mistaken).rejects.toMatchObject({ code: '42601' });
  });
});
