import { Databases, query } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { HeadsOnStandby } from '../../../../test/support/database/standby.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { CatalogHeadRepository } from './catalog-head.repository.js';
import { LOG_ENTITIES } from '../index.js';
import { primaryHead } from './primary-head.js';
import { ReadIndex } from './read-index.js';

let database: TestDatabase;
let databases: Databases;

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 3, entities: LOG_ENTITIES });
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

describe('The read index', () => {
  it('tells the head as it was acknowledged last', async () => {
    const index = new ReadIndex(primaryHead(databases, new CatalogHeadRepository()));
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

  it('does not believe a server that is in recovery', async () => {
    const index = new ReadIndex(primaryHead(databases, new HeadsOnStandby()));
    await expect(index.current()).rejects.toThrow(StoreUnavailableError);
  });

  it('does not wait for ever for a server that does not answer', async () => {
    const locked = databases.em('leases').transactional(async em => {
      await query(em, 'lock table catalog_head in access exclusive mode');
      const index = new ReadIndex(primaryHead(databases, new CatalogHeadRepository(), { limitMs: 50 }));
      await expect(index.current()).rejects.toThrow(StoreUnavailableError);
      // Nor do those who asked meanwhile.
      await expect(Promise.all([index.current(), index.current()])).rejects.toThrow(StoreUnavailableError);
      // Nor do the writer's few connections stay with questions that nobody waits for any more.
      await waitFor('the connections to be free', () => {
        const { open, idle } = databases.use().find(({ purpose }) => purpose === 'writer')!;
        return open === idle;
      });
    });
    await locked;
    const index = new ReadIndex(primaryHead(databases, new CatalogHeadRepository()));
    await expect(index.current()).resolves.toMatchObject({ revision: 1 });
  });
});
