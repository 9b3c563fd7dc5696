import { OverloadedError, StoreUnavailableError } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { Databases } from '../connections/databases.js';
import { query } from './query.js';
import { readSnapshot } from './read.js';
import { readStatement } from './read-statement.js';
import { StoreProbe } from './store-probe.js';

let database: TestDatabase;
let databases: Databases;

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 1, entities: [] });
});
afterAll(async () => {
  await databases.close();
  await database.drop();
});

/** Uses the only connection for reads until the function that it returns is called. */
async function occupyReads(of: Databases): Promise<() => Promise<void>> {
  const begun = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<void>();
  const held = of.em('reads').transactional(async em => {
    await query(em, 'select 1');
    begun.resolve();
    await ending.promise;
  });
  await begun.promise;
  return async () => {
    ending.resolve();
    await held;
  };
}

/** Statements on connections for another purpose, one after the other, as the follower of the log sends them. */
function otherStatements(of: Databases): () => Promise<void> {
  const ending = new AbortController();
  const ended = (async () => {
    while (!ending.signal.aborted) await query(of.em('view'), 'select pg_sleep(0.05)');
  })();
  return async () => {
    ending.abort();
    await ended;
  };
}

describe('a read that gets no connection', () => {
  it('meets the load of this node, and no outage, while the server answers others', async () => {
    const release = await occupyReads(databases);
    const end = otherStatements(databases);
    try {
      const reads = [
        readSnapshot(databases, em => query(em, 'select 1')),
        readStatement(databases, em => query(em, 'select 1')),
        readStatement(databases, em => query(em, 'select 1'), { timeoutMs: 1_100 }),
      ].map(read => read.catch((error: unknown) => error));
      for (const error of await Promise.all(reads)) expect(error).toBeInstanceOf(OverloadedError);
      expect(databases.troubles.recent, 'nothing is wrong with the database').toBeUndefined();
      expect(await new StoreProbe(databases).look()).toMatchObject({ lastError: undefined });
    } finally {
      await end();
      await release();
    }
    await expect(readSnapshot(databases, em => query(em, 'select 1 as one'))).resolves.toEqual([{ one: 1 }]);
  });

  it('is an outage if the server answers nobody', async () => {
    const proxy = await PostgresProxy.start(database.url);
    const behind = await Databases.open({ url: proxy.url, ssl: 'off', poolMax: 1, entities: [] });
    try {
      const release = await occupyReads(behind);
      await query(behind.em('view'), 'select 1');
      proxy.setSilent(true);
      await expect(readStatement(behind, em => query(em, 'select 1'), { timeoutMs: 200 })).rejects.toThrow(
        StoreUnavailableError,
      );
      await eventually(() => expect(behind.troubles.recent).toBeDefined());
      proxy.setSilent(false);
      await release();
    } finally {
      await behind.close();
      await proxy.shut();
    }
  });
});
