import { Metrics } from '@coordination/observability';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { Databases } from '../connections/databases.js';
import { SnapshotMetrics } from './snapshot-metrics.js';

let database: TestDatabase;
let databases: Databases;
let metrics: Metrics;

beforeEach(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: [] });
  metrics = new Metrics();
  new SnapshotMetrics(metrics, databases).onModuleInit();
});

afterEach(async () => {
  await databases.close();
  await database.drop();
});

const age = async (): Promise<number> =>
  Number(/^pcs_database_oldest_snapshot_seconds (\S+)$/m.exec(await metrics.text())?.[1]);

it('The age of the oldest snapshot grows while a transaction keeps one, and ends with it', async () => {
  const keeper = new Client({ connectionString: database.url });
  await keeper.connect();
  await keeper.query('begin isolation level repeatable read');
  await keeper.query('select 1');
  const first = await age();
  await waitFor('an older snapshot', async () => (await age()) > first + 0.2);
  const before = await age();
  await keeper.end();
  await waitFor('the end of the snapshot', async () => (await age()) < before);
});

it('The age is not a number while the database is away, and the other metrics are there', async () => {
  metrics.counter({ name: 'other_total', help: 'Another.' }).inc();
  await database.drop();
  expect(await age()).toBeNaN();
  expect(await metrics.text()).toContain('pcs_other_total 1');
});
