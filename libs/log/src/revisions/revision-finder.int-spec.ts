import { Databases, isoTime, query } from '@coordination/database';
import {
  RevisionCompactedError,
  RevisionUnknownError,
  StoreUnavailableError,
  ValidationFailedError,
} from '@coordination/kernel';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aDraft, appendBatch, beginEpoch } from '../../../../test/support/log/audit-log.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { HeadsOnStandby } from '../../../../test/support/database/standby.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { EPOCH_JUMP } from '../events/chain-walk.js';
import { LOG_ENTITIES } from '../entities.js';
import { RevisionFinder } from './revision-finder.service.js';

let database: TestDatabase;
let databases: Databases;
let finder: RevisionFinder;

beforeEach(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 5, entities: LOG_ENTITIES });
  finder = new RevisionFinder(databases, new CatalogHeadRepository());
});

afterEach(async () => {
  await databases.close();
  await database.drop();
});

const ask = async <Row>(text: string, parameters: readonly unknown[] = []) =>
  await query<Row>(databases.em('writer'), text, parameters);

const append = async (count = 1) =>
  await appendBatch(
    databases,
    Array.from({ length: count }, () => aDraft()),
  );

const shift = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString();

const revisionAt = async (time: string) => (await finder.find({ time }, 'asOf')).revision;

/** The clock of the database, in whole milliseconds. */
const databaseNow = async () => (await ask<{ now: string }>(`select ${isoTime('clock_timestamp()')} as now`))[0]!.now;

describe('A point given as a revision', () => {
  it('is that revision, from 0 to the head', async () => {
    await append(3);
    for (const revision of [0, 1, 2, 3]) {
      expect(await finder.find({ revision }, 'asOf')).toMatchObject({ revision, head: { revision: 3 } });
    }
  });

  it('is refused above the head and in the gap of a new epoch', async () => {
    await append(2);
    await expect(finder.find({ revision: 3 }, 'asOf')).rejects.toThrow(RevisionUnknownError);
    const event = await beginEpoch(databases);
    expect(event.revision).toBe(2 + EPOCH_JUMP);
    for (const revision of [3, 1_000_000, 1 + EPOCH_JUMP]) {
      await expect(finder.find({ revision }, 'asOf')).rejects.toMatchObject({ reason: 'ended-epoch' });
    }
    await expect(finder.find({ revision: 3 + EPOCH_JUMP }, 'asOf')).rejects.toMatchObject({ reason: 'above-head' });
    for (const revision of [2, 2 + EPOCH_JUMP]) {
      expect(await finder.find({ revision }, 'asOf')).toMatchObject({ revision });
    }
  });

  it('is refused before the retained part of the log', async () => {
    const [, second] = await append(2);
    await ask(
      `insert into log_cut select revision, hash, at, batch_id, '[]', 1, 2, 3, '[]', 'file', 'sha', at, null
       from service_event where revision = 2`,
    );
    for (const revision of [0, 1]) {
      await expect(finder.find({ revision }, 'asOf')).rejects.toThrow(RevisionCompactedError);
    }
    await expect(finder.find({ time: shift(second!.at, -1) }, 'asOf')).rejects.toMatchObject({
      extras: { oldestRevision: 2 },
    });
    expect(await finder.find({ revision: 2 }, 'asOf')).toMatchObject({ revision: 2 });
    expect(await revisionAt(second!.at)).toBe(2);
  });
});

describe('A point given as a time', () => {
  it('is the last revision at or before the time', async () => {
    const batches = [await append(2), await append(3), await append(1)];
    for (const batch of batches) {
      const { at, revision } = batch.at(-1)!;
      const upTo = (time: string) => batches.flat().findLast(event => event.at <= time)?.revision ?? 0;
      expect(upTo(at)).toBeGreaterThanOrEqual(revision);
      for (const time of [shift(at, -1), at]) expect(await revisionAt(time), time).toBe(upTo(time));
    }
    expect(await revisionAt('0001-01-01T00:00:00.000Z')).toBe(0);
  });

  it('is refused when the clock of the database has not reached it', async () => {
    await append();
    for (const time of [shift(await databaseNow(), 60_000), '9999-12-31T23:59:59.999Z']) {
      const refusal = finder.find({ time }, 'asOf');
      await expect(refusal).rejects.toThrow(ValidationFailedError);
      await expect(refusal).rejects.toThrow('/query/asOf');
    }
  });

  it('may be the present, to the millisecond, in repeated calls', async () => {
    for (let n = 1; n <= 30; n++) {
      const [event] = await append();
      expect(await revisionAt(event!.at)).toBe(n);
      expect(await revisionAt(await databaseNow())).toBe(n);
    }
  });

  it('has the same result for ever, while writers commit', async () => {
    const answers: [string, number][] = [];
    const writer = { isOver: false };
    const writing = (async () => {
      for (let n = 0; n < 120; n++) await append();
      writer.isOver = true;
    })();
    while (!writer.isOver) {
      const times = [await databaseNow(), (await finder.head()).at];
      const revisions = await Promise.all(times.map(revisionAt));
      answers.push(...times.map((time, n): [string, number] => [time, revisions[n]!]));
    }
    await writing;
    for (const [time, revision] of answers) expect(await revisionAt(time), time).toBe(revision);
    expect(new Set(answers.map(([, revision]) => revision)).size).toBeGreaterThan(3);
  });

  it('has the same result after the clock was set back', async () => {
    await append();
    // As if the present had been requested on a server whose clock was ahead: its result must remain valid.
    const ahead = shift(await databaseNow(), 3_600_000);
    await ask('update catalog_head set settled_at = $1', [ahead]);
    const asked = shift(ahead, -1);
    expect(await revisionAt(asked)).toBe(1);
    const [event] = await append();
    expect(event!.at >= ahead).toBe(true);
    expect(await revisionAt(asked)).toBe(1);
    expect(await revisionAt(shift(event!.at, -1))).toBe(1);
  });

  it('may be the time of the newest event, even after the clock was set back, and has the same result for ever', async () => {
    await append();
    const ahead = shift(await databaseNow(), 3_600_000);
    await ask('update catalog_head set at = $1', [ahead]);
    for (let n = 2; n <= 5; n++) {
      const [event] = await append();
      expect(event!.at >= ahead).toBe(true);
      expect(await revisionAt(event!.at)).toBe(n);
      expect(await revisionAt(await databaseNow())).toBe(1);
    }
    const { at } = await finder.head();
    await expect(revisionAt(shift(at, 60_000))).rejects.toThrow(ValidationFailedError);
    const answers = await Promise.all([at, at].map(revisionAt));
    await append();
    expect(await Promise.all([at, at].map(revisionAt))).toEqual(answers);
    // Each request for the time of the newest event costs one millisecond.
    expect((await finder.head()).at < shift(ahead, 100)).toBe(true);
  });

  it('does not lock the head for a time that is already settled', async () => {
    const [event] = await append();
    await revisionAt(event!.at);
    const holder = databases.em('writer');
    await holder.transactional(async em => {
      await new CatalogHeadRepository().lock(em, 60_000);
      expect(await revisionAt(event!.at)).toBe(1);
    });
  });

  it('fails when the head cannot be locked in time', async () => {
    await append();
    await databases.em('writer').transactional(async em => {
      await new CatalogHeadRepository().lock(em, 60_000);
      await expect(revisionAt(await databaseNow())).rejects.toThrow(StoreUnavailableError);
    });
  });

  it('locks the head once for many concurrent callers', async () => {
    await append();
    const proxy = await PostgresProxy.start(database.url);
    const watched = await Databases.open({ url: proxy.url, ssl: 'off', poolMax: 5, entities: LOG_ENTITIES });
    try {
      const now = await databaseNow();
      const asked = new RevisionFinder(watched, new CatalogHeadRepository());
      await Promise.all(Array.from({ length: 40 }, () => asked.find({ time: now }, 'asOf')));
      const locks = proxy.statements.filter(text => text.includes('lock_catalog_head'));
      expect(locks.length).toBeGreaterThan(0);
      expect(locks.length).toBeLessThan(10);
    } finally {
      await watched.close();
      await proxy.shut();
    }
  });

  it('is found in a log of several partitions', async () => {
    await append(2);
    await ask('select ensure_service_event_partitions($1)', [2 + EPOCH_JUMP]);
    await ask('update catalog_head set revision = revision + $1 - 1', [EPOCH_JUMP]);
    const [event] = await append();
    const times = fc.sample(fc.integer({ min: -3, max: 0 }), 5).map(ms => shift(event!.at, ms));
    for (const time of times) {
      const [row] = await ask<{ revision: number }>(
        'select coalesce(max(revision), 0)::float8 as revision from service_event where at <= $1',
        [time],
      );
      expect(await revisionAt(time)).toBe(row!.revision);
    }
  });
});

it('RevisionFinder refuses a server in recovery', async () => {
  const onStandby = new RevisionFinder(databases, new HeadsOnStandby());
  await expect(onStandby.find({ revision: 0 }, 'asOf')).rejects.toThrow(StoreUnavailableError);
  await expect(onStandby.find({ time: '2026-01-01T00:00:00.000Z' }, 'asOf')).rejects.toThrow(StoreUnavailableError);
});
