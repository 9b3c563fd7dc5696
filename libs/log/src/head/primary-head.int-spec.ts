import { Databases, query } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { HeadsOnStandby } from '../../../../test/support/database/standby.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { CatalogHeadRepository } from './catalog-head.repository.js';
import { LOG_ENTITIES } from '../entities.js';
import { PrimaryHead } from './primary-head.js';
import { ReadIndex } from './read-index.js';

let database: TestDatabase;
let databases: Databases;

const UNFENCED = { isFenced: false };

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 3, entities: LOG_ENTITIES });
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

describe('The read index of the primary', () => {
  it('returns the head that was acknowledged last', async () => {
    const index = new ReadIndex(new PrimaryHead(databases, new CatalogHeadRepository(), UNFENCED));
    expect(await index.current()).toMatchObject({ revision: 0, hash: '0'.repeat(64) });
    const [event] = await appendBatch(databases, [aDraft()]);
    expect(await index.current()).toEqual({
      revision: 1,
      hash: event!.hash,
      at: event!.at,
      epoch: expect.any(String) as string,
      clock: expect.any(String) as string,
    });
  });

  it('commits a message with each read, if it is fenced', async () => {
    const proxy = await PostgresProxy.start(database.url);
    const watched = await Databases.open({ url: proxy.url, ssl: 'off', poolMax: 1, entities: LOG_ENTITIES });
    try {
      const readsOf = async (isFenced: boolean) => {
        const before = proxy.statements.length;
        const index = new ReadIndex(new PrimaryHead(watched, new CatalogHeadRepository(), { isFenced }));
        await expect(index.current()).resolves.toMatchObject({ revision: 1 });
        return proxy.statements.slice(before).join();
      };
      expect(await readsOf(true)).toContain('pg_logical_emit_message');
      expect(await readsOf(false)).not.toContain('pg_logical_emit_message');
    } finally {
      await watched.close();
      await proxy.shut();
    }
  });

  it('refuses a server that is in recovery', async () => {
    const index = new ReadIndex(new PrimaryHead(databases, new HeadsOnStandby(), UNFENCED));
    await expect(index.current()).rejects.toThrow(StoreUnavailableError);
  });

  it('stops waiting for a server that does not respond', async () => {
    const locked = databases.em('leases').transactional(async em => {
      await query(em, 'lock table catalog_head in access exclusive mode');
      const index = new ReadIndex(new PrimaryHead(databases, new CatalogHeadRepository(), UNFENCED, { timeoutMs: 50 }));
      await expect(index.current()).rejects.toThrow(StoreUnavailableError);
      // Callers that asked meanwhile do not wait either.
      await expect(Promise.all([index.current(), index.current()])).rejects.toThrow(StoreUnavailableError);
      // The connections of the writer are not kept by queries that no caller waits for.
      await waitFor('the connections to be free', () => {
        const { open, idle } = databases.use().find(({ purpose }) => purpose === 'writer')!;
        return open === idle;
      });
    });
    await locked;
    const index = new ReadIndex(new PrimaryHead(databases, new CatalogHeadRepository(), UNFENCED));
    await expect(index.current()).resolves.toMatchObject({ revision: 1 });
  });
});
