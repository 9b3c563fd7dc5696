import { Databases, query, type SchemaGate } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { LOG_ENTITIES } from '../entities.js';
import { ServiceEventRepository } from '../events/service-event.repository.js';
import { LOG_PARTITION_SIZE } from './log-partition.js';
import { LogPartitionRepository } from './log-partition.repository.js';
import { PartitionHeadroomJob } from './partition-headroom.job.js';
import { PartitionHeadroom } from './partition-headroom.js';
import { PartitionMaintenance } from './partition-maintenance.js';

let database: TestDatabase;
let databases: Databases;
let metrics: Metrics;
let headroom: PartitionHeadroom;
let job: PartitionHeadroomJob;

beforeEach(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: LOG_ENTITIES });
  metrics = new Metrics();
  headroom = new PartitionHeadroom(metrics);
  const maintenance = new PartitionMaintenance(
    databases,
    new CatalogHeadRepository(),
    new ServiceEventRepository(),
    new LogPartitionRepository(),
  );
  const gate = { opened: Promise.resolve() } as SchemaGate;
  job = new PartitionHeadroomJob(maintenance, headroom, new BackgroundTasks(systemClock), gate, { everyMs: 20 });
});

afterEach(async () => {
  await job.onModuleDestroy();
  await databases.close();
  await database.drop();
});

const ask = async <Row>(text: string, parameters: readonly unknown[] = []) =>
  await query<Row>(databases.em('writer'), text, parameters);

/** Sets the revision of the head, without events. */
const setHead = (revision: number) => ask('update catalog_head set revision = $1', [revision]);

const partitions = () => new LogPartitionRepository().list(databases.em('reads'));

describe('The headroom of the log', () => {
  it('is computed from the bounds of the partitions, which have the size that the code assumes', async () => {
    await ask('select ensure_service_event_partitions($1)', [2 ** 32]);
    const found = await partitions();
    expect(found.map(({ name }) => name)).toEqual([
      'service_event_p0',
      'service_event_p1',
      'service_event_p4294',
      'service_event_p4295',
    ]);
    for (const { from, before, isDetaching } of found) {
      expect({ size: before - from, isDetaching }).toEqual({ size: LOG_PARTITION_SIZE, isDetaching: false });
    }
    expect(found.at(-1)).toMatchObject({ from: 4_295_000_000, before: 4_296_000_000 });
  });

  it('grows by a partition as soon as the newest one is used, before a writer needs it', async () => {
    await setHead(LOG_PARTITION_SIZE + 7);
    job.onApplicationBootstrap();
    await waitFor('there is headroom', () => (headroom.revisions ?? 0) >= LOG_PARTITION_SIZE);
    expect(await partitions()).toHaveLength(3);
    expect(headroom).toMatchObject({ revisions: 2 * LOG_PARTITION_SIZE - 8, isNearlyFull: false });
  });

  it('is reported as nearly used up while no partition can be created', async () => {
    const [maker] = await ask<{ text: string }>(
      `select pg_get_functiondef('ensure_service_event_partitions'::regproc) as text`,
    );
    await ask(`create or replace function ensure_service_event_partitions(upto bigint) returns bigint language plpgsql as $$
      begin raise exception 'no room on the disk'; end $$`);
    await setHead(2 * LOG_PARTITION_SIZE - 100);
    job.onApplicationBootstrap();
    await waitFor('the job has measured it', () => headroom.isNearlyFull);
    expect(headroom.revisions).toBe(99);
    await ask(maker!.text);
    await waitFor('a partition was created', () => !headroom.isNearlyFull);
    expect(headroom.revisions).toBe(LOG_PARTITION_SIZE + 99);
  });

  it('is a metric', async () => {
    expect(await metrics.text()).toContain('pcs_log_room_revisions Nan');
    headroom.record(5);
    expect(await metrics.text()).toContain('pcs_log_room_revisions 5');
  });
});
