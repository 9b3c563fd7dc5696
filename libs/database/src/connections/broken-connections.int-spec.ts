import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { Databases } from './databases.js';
import { query } from '../reading/query.js';

/** More deaths than the purpose has connections: with a place lost at each, nothing would be left. */
const DEATHS = 5;

let database: TestDatabase;
let databases: Databases;

beforeEach(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: [] });
});

afterEach(async () => {
  await databases.close();
  await database.drop();
});

const kill = (pid: number) => query(databases.em('reads'), 'select pg_terminate_backend($1)', [pid]);

const writerInUse = () => databases.use().find(({ purpose }) => purpose === 'writer');

describe('A connection that dies', () => {
  it('within a transaction does not cost the pool a place', async () => {
    for (let death = 0; death < DEATHS; death++) {
      const transaction = databases.em('writer').transactional(async em => {
        const [backend] = await query<{ pid: number }>(em, 'select pg_backend_pid() as pid');
        await kill(backend!.pid);
        return await query(em, 'select 1');
      });
      await expect(transaction).rejects.toThrow();
    }
    await expect(query(databases.em('writer'), 'select 1 as one')).resolves.toEqual([{ one: 1 }]);
    expect(writerInUse()).toMatchObject({ open: 1, idle: 1, waiting: 0 });
  });

  it('by our own hand within a transaction does not cost the pool a place', async () => {
    for (let death = 0; death < DEATHS; death++) {
      const transaction = databases.em('writer').transactional(async em => {
        await query(em, 'select 1');
        databases.sever('writer');
        return await query(em, 'select 1');
      });
      await expect(transaction).rejects.toThrow();
    }
    await expect(query(databases.em('writer'), 'select 1 as one')).resolves.toEqual([{ one: 1 }]);
  });

  it('while it answers a single statement harms nobody', async () => {
    for (let death = 0; death < DEATHS; death++) {
      const [backend] = await query<{ pid: number }>(databases.em('writer'), 'select pg_backend_pid() as pid');
      const statement = query(databases.em('writer'), 'select pg_sleep(30)').catch((error: unknown) => error);
      await kill(backend!.pid);
      await expect(statement).resolves.toBeInstanceOf(Error);
      // The server says why before it hangs up; in between the pool still takes the connection for a good one.
      await eventually(() => expect(writerInUse()).toMatchObject({ open: 0 }));
    }
    await expect(query(databases.em('writer'), 'select 1 as one')).resolves.toEqual([{ one: 1 }]);
  });
});
