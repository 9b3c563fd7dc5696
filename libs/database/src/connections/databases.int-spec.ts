import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { Databases, type Purpose } from './databases.js';
import { query } from '../reading/query.js';

let database: TestDatabase;
let databases: Databases;

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: [] });
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

const connectionOf = async (purpose: Purpose): Promise<string | undefined> => {
  const text = `select current_setting('application_name') as name`;
  const [row] = await query<{ name: string }>(databases.em(purpose), text);
  return row?.name;
};

describe('Databases', () => {
  it('gives a unit of work the connections of its purpose', async () => {
    expect(await connectionOf('writer')).toBe('platform-coordination writer');
    expect(await connectionOf('reads')).toBe('platform-coordination reads');
  });

  it('does so within a transaction of another purpose too, and never joins that', async () => {
    const [inside, sameId] = await databases.em('reads').transactional(async em => {
      const id = 'select pg_current_xact_id()::text as id';
      const [outer] = await query<{ id: string }>(em, id);
      const [inner] = await query<{ id: string }>(databases.em('reads'), id);
      return [await connectionOf('writer'), outer?.id === inner?.id];
    });
    expect(inside, 'a write that begins within a read must not take the connection of reads').toBe(
      'platform-coordination writer',
    );
    expect(sameId).toBe(false);
  });

  it('closes although a statement waits for an answer that does not come, which fails then', async () => {
    const closed = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: [] });
    const statement = query(closed.em('reads'), 'select pg_sleep(600)').catch((error: unknown) => error);
    await waitFor('the statement runs', () => closed.use().find(({ purpose }) => purpose === 'reads')?.open === 1);
    await closed.close();
    expect(await statement).toBeInstanceOf(Error);
    expect(closed.use().filter(({ open }) => open > 0)).toEqual([]);
  });
});
