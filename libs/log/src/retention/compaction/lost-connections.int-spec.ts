import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CatalogAuthor } from '../../../../../test/support/catalog/catalog-author.js';
import { assertCatalogInvariants } from '../../../../../test/support/catalog/catalog-invariants.js';
import { type DisposableDirectory, disposableDirectory } from '../../../../../test/support/disposable-directory.js';
import { anInstance } from '../../../../../test/support/catalog/factories.js';
import { PostgresProxy } from '../../../../../test/support/database/postgres-proxy.js';
import { makePartitionsSmall } from '../../../../../test/support/database/small-partitions.js';
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/database/test-database.js';
import { PATIENCE_MS, waitFor } from '../../../../../test/support/time/wait-for.js';
import { compactLog } from '../../compact-log.js';

const SIZE = 10;
const LOCK = 'platform-coordination compaction lock';
const WORKER = 'platform-coordination compaction';
const CONTINUE = /Run the command again: it continues where it stopped\.$/;

let written: TestDatabase;
let database: TestDatabase;
let admin: Client;
let other: Client;
let directory: DisposableDirectory;

beforeAll(async () => {
  written = await createTestDatabase();
  await makePartitionsSmall(written.url, SIZE, 8);
  const author = await CatalogAuthor.open(written.url);
  for (let n = 0; n < 2 * SIZE; n++) await author.add(anInstance({ service: 'orders', instanceId: `i-${n}` }));
  await author.close();
});

afterAll(() => written.drop());

beforeEach(async () => {
  database = await createTestDatabase({ like: written });
  directory = disposableDirectory();
  admin = await connected();
  other = await connected();
});

afterEach(async () => {
  await other.end();
  await admin.end();
  await database.drop();
  await directory.remove();
});

async function connected(): Promise<Client> {
  const client = new Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const compact = (url = database.url, say: (line: string) => void = () => undefined) =>
  compactLog(
    { url, ssl: 'off' },
    { retentionDays: 0, exportDir: directory.path, mostPartitions: 1, patienceMs: 600_000, isDryRun: false },
    say,
  );

/** The message of its error. */
const failure = (compacting: Promise<void>) =>
  compacting.then(
    () => expect.unreachable('it succeeded'),
    (error: unknown) => (error as Error).message,
  );

const terminate = (application: string) =>
  admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1',
    [application],
  );

const sessions = async () => {
  const { rows } = await admin.query<{ name: string; query: string; waits: string | null }>(
    `select application_name as name, query, wait_event_type as waits from pg_stat_activity
     where datname = current_database() and application_name like 'platform-coordination %'`,
  );
  return rows;
};

const nothingIsLeft = () =>
  waitFor(
    'no session is left',
    async () => (await sessions()).length === 0,
    PATIENCE_MS,
    async () => JSON.stringify(await sessions()),
  );

/** A transaction that began before the cut makes a compaction wait between statements. */
async function keepWaitingForSnapshots(): Promise<void> {
  await other.query('begin isolation level repeatable read');
  await other.query('select 1');
}

const waitsForSnapshots = () =>
  waitFor('it waits for an older transaction', async () => {
    const found = await sessions();
    return found.some(({ name, query }) => name === WORKER && query.includes('backend_xmin'));
  });

const waitsInDetach = () =>
  waitFor('it waits within a statement', async () => {
    const found = await sessions();
    return found.some(({ name, query, waits }) => name === WORKER && /concurrently/.test(query) && waits === 'Lock');
  });

async function expectToContinue(): Promise<void> {
  await other.query('rollback');
  const said: string[] = [];
  await compact(database.url, line => said.push(line));
  expect(said.join('\n')).toContain('The log now begins after revision');
  await assertCatalogInvariants(database.url);
  await nothingIsLeft();
}

describe('A compaction', () => {
  it.each([
    [
      'its lock',
      LOCK,
      /^The connection that holds the lock of the compaction was lost \(.+\), so the compaction was stopped/,
    ],
    ['its work', WORKER, /^The connection of the compaction was lost \(.+\), so the compaction was stopped/],
  ])(
    'that waits ends when the connection of %s is ended, and the next run continues',
    async (_what, application, said) => {
      await keepWaitingForSnapshots();
      const compacting = failure(compact());
      await waitsForSnapshots();
      await terminate(application);
      const message = await compacting;
      expect(message).toMatch(said);
      expect(message).toMatch(CONTINUE);
      await nothingIsLeft();
      await expectToContinue();
    },
  );

  it.each([
    ['its lock', LOCK],
    ['its work', WORKER],
  ])('that waits within a statement ends when the connection of %s is ended', async (_what, application) => {
    await other.query('begin; lock table service_event in access share mode');
    const compacting = failure(compact());
    await waitsInDetach();
    await terminate(application);
    expect(await compacting).toMatch(CONTINUE);
    // The lock that it waits for is still held: without the abort, the statement would keep waiting.
    await nothingIsLeft();
    await expectToContinue();
  });

  it('ends when the server no longer responds', async () => {
    const proxy = await PostgresProxy.start(database.url);
    await keepWaitingForSnapshots();
    const compacting = failure(compact(proxy.url));
    await waitsForSnapshots();
    proxy.setSilent(true);
    const message = await compacting;
    expect(message).toContain('the server has not answered for 10 s');
    expect(message).toMatch(CONTINUE);
    proxy.setSilent(false);
    await nothingIsLeft();
    await expectToContinue();
    await proxy.shut();
  });
});
