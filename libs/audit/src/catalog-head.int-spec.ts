import { Databases, query } from '@coordination/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDraft, appendBatch } from '../../../test/support/audit-log.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { CatalogHeadRepository } from './catalog-head.repository.js';
import { AUDIT_ENTITIES } from './index.js';
import { ServiceEventRepository } from './service-event.repository.js';

const HOLD_LIMIT_MS = 60_000;

let database: TestDatabase;
let databases: Databases;
const heads = new CatalogHeadRepository();
const log = new ServiceEventRepository();

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 3, entities: AUDIT_ENTITIES });
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

const lock = () => databases.em('writer').transactional(em => heads.lock(em, HOLD_LIMIT_MS));

describe('The head of the log', () => {
  it('is the last event of it', async () => {
    const [event] = await appendBatch(databases, [aDraft()]);
    const { revision, hash, at } = event!;
    expect(await heads.read(databases.em('reads'))).toMatchObject({ revision, hash, at });
    expect(await heads.find(databases.em('reads'))).toMatchObject({ revision, hash, at, inRecovery: false });
    expect(await lock()).toMatchObject({ revision, hash });
  });

  it('stays where it is when there is nothing to append', async () => {
    const before = await lock();
    await databases.em('writer').transactional(async em => {
      await log.append(em, await heads.lock(em, HOLD_LIMIT_MS), []);
    });
    expect(await heads.read(databases.em('reads'))).toMatchObject({ revision: before.revision, hash: before.hash });
  });

  it('never gives a time before the last event, though the clock of the server fell', async () => {
    await query(databases.em('writer'), `update catalog_head set at = now() + interval '1 hour'`);
    const ahead = await heads.read(databases.em('reads'));
    expect((await lock()).now).toBe(ahead.at);
  });

  it('that was taken away is told as such', async () => {
    await query(databases.em('writer'), 'delete from catalog_head');
    await expect(lock()).rejects.toThrow('catalog_head has no row');
    await expect(heads.read(databases.em('reads'))).rejects.toThrow('catalog_head has no row');
    expect(await heads.find(databases.em('reads'))).toBeUndefined();
  });
});
