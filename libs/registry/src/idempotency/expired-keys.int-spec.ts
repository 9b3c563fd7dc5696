import { newId } from '@coordination/kernel';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPEN_SCHEMA, someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { ExpiredKeysJob, type ExpiredKeysPace } from './expired-keys.job.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';

let database: TestDatabase;
let proxy: PostgresProxy;
let nodes: readonly WritingNode[];
let client: Client;
let jobs: ExpiredKeysJob[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  nodes = [await startWriter(proxy.url), await startWriter(database.url)];
  client = new Client({ connectionString: database.url });
  await client.connect();
  jobs = [];
});

afterEach(async () => {
  for (const job of jobs) await job.onModuleDestroy();
  await Promise.all(nodes.map(node => node.close()));
  await client.end();
  await proxy.shut();
  await database.drop();
});

/** Keys that are so old. */
const keys = async (count: number, age: string): Promise<void> => {
  await client.query(
    `insert into idempotency_key (actor, key, fingerprint, at, revision, epoch, answer)
     select 'anonymous', $2 || '-' || n, repeat('f', 43), now() - $2::interval, 0, $3, '{}' from generate_series(1, $1) n`,
    [count, age, newId()],
  );
};

const left = async (): Promise<number> =>
  (await client.query<{ count: number }>('select count(*)::int as count from idempotency_key')).rows[0]!.count;

const start = ({ databases }: WritingNode, pace: ExpiredKeysPace = {}, schema = OPEN_SCHEMA): void => {
  const repository = new IdempotencyKeyRepository(24);
  const job = new ExpiredKeysJob(databases, repository, someTasks(), schema, { everyMs: 20, ...pace });
  jobs.push(job);
  job.onApplicationBootstrap();
};

describe('Keys that have expired', () => {
  it('are deleted a few at a time until none is left, and no others', async () => {
    await keys(25, '1500min');
    await keys(3, '1439min');
    start(nodes[0]!, { atOnce: 10 });
    await waitFor('the expired keys to be gone', async () => (await left()) === 3);
    const deletions = proxy.statements.filter(text => text.includes('delete from idempotency_key'));
    expect(deletions.length).toBeGreaterThanOrEqual(3);
    await waitFor(
      'one more look',
      () => proxy.statements.filter(text => text.includes('with expired')).length > deletions.length,
    );
    expect(await left()).toBe(3);
  });

  it('are passed over while another node deletes them, without waiting for it', async () => {
    await keys(10, '1500min');
    const repository = new IdempotencyKeyRepository(24);
    await nodes[0]!.databases.em('reads').transactional(async em => {
      expect(await repository.deleteExpired(em, 6)).toBe(6);
      expect(await repository.deleteExpired(nodes[1]!.databases.em('reads'), 100)).toBe(4);
    });
    expect(await left()).toBe(0);
  });

  it('are deleted when the database is there again', async () => {
    await keys(5, '1500min');
    proxy.setRefusing(true);
    start(nodes[0]!);
    await waitFor('the job to try in vain', () => proxy.refusals > 0);
    proxy.setRefusing(false);
    await waitFor('the expired keys to be gone', async () => (await left()) === 0);
  });

  it('are not looked for before the tables are there, nor when the service ends', async () => {
    await keys(5, '1500min');
    const gate = Promise.withResolvers<void>();
    start(nodes[0]!, {}, { opened: gate.promise });
    await jobs[0]!.onModuleDestroy();
    gate.resolve();
    await nodes[0]!.submit();
    expect([await left(), proxy.statements.some(text => text.includes('with expired'))]).toEqual([5, false]);
  });

  it('are found by an index', async () => {
    await keys(3_000, '1min');
    await client.query('analyze idempotency_key');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain select actor, key from idempotency_key where at <= now() - interval '24 hours' order by at limit 1000`,
    );
    expect(rows.map(row => row['QUERY PLAN']).join('\n')).toContain('idempotency_key_at_idx');
  });
});
