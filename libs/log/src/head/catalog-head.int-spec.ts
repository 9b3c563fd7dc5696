import { Databases, query } from '@coordination/database';
import { newId, StoreUnavailableError } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { OwnPostgres } from '../../../../test/support/database/own-postgres.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { CatalogHeadRepository } from './catalog-head.repository.js';
import { LOG_ENTITIES } from '../entities.js';
import { ServiceEventRepository } from '../events/service-event.repository.js';

const HOLD_LIMIT_MS = 60_000;

/** Lock key of the node that reads with a fence; any number. */
const FENCE_KEY = 4711;

let database: TestDatabase;
let databases: Databases;
const heads = new CatalogHeadRepository();
const log = new ServiceEventRepository();

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 3, entities: LOG_ENTITIES });
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

const lock = () => databases.em('writer').transactional(em => heads.lock(em, HOLD_LIMIT_MS));

describe('The head of the log', () => {
  it('is its last event', async () => {
    const [event] = await appendBatch(databases, [aDraft()]);
    const { revision, hash, at } = event!;
    expect(await heads.read(databases.em('reads'))).toMatchObject({ revision, hash, at });
    expect(await heads.find(databases.em('reads'))).toMatchObject({ revision, hash, at, inRecovery: false });
    expect(await lock()).toMatchObject({ revision, hash });
  });

  it('does not change when there is nothing to append', async () => {
    const before = await lock();
    await databases.em('writer').transactional(async em => {
      await log.append(em, await heads.lock(em, HOLD_LIMIT_MS), []);
    });
    expect(await heads.read(databases.em('reads'))).toMatchObject({ revision: before.revision, hash: before.hash });
  });

  it('never has a time before the last event, even after the clock of the server was set back', async () => {
    await query(databases.em('writer'), `update catalog_head set at = now() + interval '1 hour'`);
    const ahead = await heads.read(databases.em('reads'));
    const { now, clock } = await lock();
    expect(now).toBe(ahead.at);
    const [row] = await query<{ seconds: number }>(
      databases.em('writer'),
      'select extract(epoch from clock_timestamp() - $1::timestamptz)::float8 as seconds',
      [clock],
    );
    expect(row!.seconds, 'the actual clock is returned').toBeGreaterThanOrEqual(0);
    expect(row!.seconds).toBeLessThan(600);
    await query(databases.em('writer'), `update catalog_head set at = now()`);
    const right = await lock();
    expect(right.clock <= right.now).toBe(true);
  });

  it('begins no epoch when another one has begun since it was locked', async () => {
    const before = await heads.read(databases.em('reads'));
    const late = databases.em('writer').transactional(async em => {
      const head = await heads.lock(em, HOLD_LIMIT_MS);
      await heads.beginEpoch(em, { ...head, epoch: newId() }, newId());
    });
    await expect(late).rejects.toThrow('no longer in epoch');
    expect((await heads.read(databases.em('reads'))).epoch).toBe(before.epoch);
  });

  it('is not read with a fence while an earlier commit of the same node hangs, and is afterwards', async () => {
    await databases.em('writer').transactional(async em => {
      await query(em, 'select pg_advisory_xact_lock($1)', [FENCE_KEY]);
      await expect(heads.readFenced(databases.em('reads'), FENCE_KEY)).rejects.toThrow(StoreUnavailableError);
    });
    const { revision } = await heads.read(databases.em('reads'));
    expect(await heads.readFenced(databases.em('reads'), FENCE_KEY)).toMatchObject({ revision });
  });

  it('is not read from a standby by any method', async () => {
    const primary = await OwnPostgres.start();
    const standby = await primary.standby();
    const there = await Databases.open({ url: standby.url, ssl: 'off', poolMax: 1, entities: LOG_ENTITIES });
    try {
      await expect(heads.read(there.em('reads'))).rejects.toThrow(StoreUnavailableError);
      await expect(heads.readWithServer(there.em('reads'))).rejects.toThrow(StoreUnavailableError);
      await expect(heads.readFenced(there.em('reads'), FENCE_KEY)).rejects.toThrow(StoreUnavailableError);
    } finally {
      await there.close();
      await standby.remove();
      await primary.remove();
    }
  });

  it('is reported as missing after its deletion', async () => {
    await query(databases.em('writer'), 'delete from catalog_head');
    await expect(lock()).rejects.toThrow('catalog_head has no row');
    await expect(heads.read(databases.em('reads'))).rejects.toThrow('catalog_head has no row');
    await expect(heads.readWithServer(databases.em('reads'))).rejects.toThrow('catalog_head has no row');
    await expect(heads.readFenced(databases.em('reads'), FENCE_KEY)).rejects.toThrow('catalog_head has no row');
    expect(await heads.find(databases.em('reads'))).toBeUndefined();
  });
});
