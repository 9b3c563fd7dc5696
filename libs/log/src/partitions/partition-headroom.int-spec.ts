import { Databases, query } from '@coordination/database';
import { Metrics } from '@coordination/observability';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aTask } from '../../../../test/support/nodes/background-tasks.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { LOG_ENTITIES } from '../index.js';
import { ServiceEventRepository } from '../events/service-event.repository.js';
import { LOG_PARTITION_SIZE } from './log-partition.js';
import { LogPartitionRepository } from './log-partition.repository.js';
import { PartitionHeadroomJob } from './partition-headroom.job.js';
import { PartitionHeadroom, measurePartitionHeadroom } from './partition-headroom.js';

let database: TestDatabase;
let databases: Databases;
let room: PartitionHeadroom;
let job: PartitionHeadroomJob;

beforeEach(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: LOG_ENTITIES });
  room = new PartitionHeadroom();
  job = new PartitionHeadroomJob({
    databases,
    heads: new CatalogHeadRepository(),
    events: new ServiceEventRepository(),
    partitions: new LogPartitionRepository(),
    room,
    task: aTask('log-partitions'),
    ready: Promise.resolve(),
    everyMs: 20,
  });
});

afterEach(async () => {
  job.onModuleDestroy();
  await databases.close();
  await database.drop();
});

const ask = async <Row>(text: string, parameters: readonly unknown[] = []) =>
  await query<Row>(databases.em('writer'), text, parameters);

/** Puts the head elsewhere; only a test does such a thing. */
const moveHead = (revision: number) => ask('update catalog_head set revision = $1', [revision]);

const partitions = () => new LogPartitionRepository().list(databases.em('reads'));

describe('The room of the log', () => {
  it('is told by the bounds of the partitions, which are of the size that the code believes', async () => {
    await ask('select ensure_service_event_partitions($1)', [2 ** 32]);
    const found = await partitions();
    expect(found.map(({ name }) => name)).toEqual([
      'service_event_p0',
      'service_event_p1',
      'service_event_p4294',
      'service_event_p4295',
    ]);
    for (const { from, before, isLeaving } of found) {
      expect({ size: before - from, isLeaving }).toEqual({ size: LOG_PARTITION_SIZE, isLeaving: false });
    }
    expect(found.at(-1)).toMatchObject({ from: 4_295_000_000, before: 4_296_000_000 });
  });

  it('is a partition more as soon as the newest is used, before any writer needs it', async () => {
    await moveHead(LOG_PARTITION_SIZE + 7);
    job.onApplicationBootstrap();
    await waitFor('there is room', () => (room.revisions ?? 0) >= LOG_PARTITION_SIZE);
    expect(await partitions()).toHaveLength(3);
    expect(room).toMatchObject({ revisions: 2 * LOG_PARTITION_SIZE - 8, isNearlyFull: false });
  });

  it('is said to be nearly used up where nobody can make more, until somebody has', async () => {
    const [maker] = await ask<{ text: string }>(
      `select pg_get_functiondef('ensure_service_event_partitions'::regproc) as text`,
    );
    await ask(`create or replace function ensure_service_event_partitions(upto bigint) returns bigint language plpgsql as $$
      begin raise exception 'no room on the disk'; end $$`);
    await moveHead(2 * LOG_PARTITION_SIZE - 100);
    job.onApplicationBootstrap();
    await waitFor('it is noticed', () => room.isNearlyFull);
    expect(room.revisions).toBe(99);
    await ask(maker!.text);
    await waitFor('it has been mended', () => !room.isNearlyFull);
    expect(room.revisions).toBe(LOG_PARTITION_SIZE + 99);
  });

  it('is measured', async () => {
    const metrics = new Metrics();
    measurePartitionHeadroom(metrics, room);
    expect(await metrics.text()).toContain('pcs_log_room_revisions Nan');
    room.note(5);
    expect(await metrics.text()).toContain('pcs_log_room_revisions 5');
  });
});
