import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

/** A log of which all tests have copies. */
let written: TestDatabase;

beforeAll(async () => {
  written = await createTestDatabase();
  await makePartitionsSmall(written.url, SIZE, 8);
  const author = await CatalogAuthor.open(written.url);
  for (let n = 0; n < 2 * SIZE; n++) await author.add(anInstance({ service: 'orders', instanceId: `i-${n}` }));
  await author.close();
});

afterAll(() => written.drop());

async function connected(database: TestDatabase): Promise<Client> {
  const client = new Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The message of its error. */
const failure = (compacting: Promise<void>) =>
  compacting.then(
    () => expect.unreachable('it succeeded'),
    (error: unknown) => (error as Error).message,
  );

/** A copy of the log, compactions of it, and what the server knows of them. */
class Trial {
  private constructor(
    readonly database: TestDatabase,
    private readonly directory: DisposableDirectory,
    private readonly admin: Client,
    /** A session of somebody else. */
    readonly other: Client,
  ) {}

  static async begin(): Promise<Trial> {
    const database = await createTestDatabase({ like: written });
    return new Trial(database, disposableDirectory(), await connected(database), await connected(database));
  }

  async end(): Promise<void> {
    await this.other.end();
    await this.admin.end();
    await this.database.drop();
    await this.directory.remove();
  }

  compact(url = this.database.url, say: (line: string) => void = () => undefined): Promise<void> {
    return compactLog(
      { url, ssl: 'off' },
      {
        retentionDays: 0,
        exportDir: this.directory.path,
        mostPartitions: 1,
        patienceMs: 600_000,
        isDryRun: false,
      },
      say,
    );
  }

  async terminate(application: string): Promise<void> {
    await this.admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1',
      [application],
    );
  }

  nothingIsLeft(): Promise<void> {
    return waitFor(
      'no session is left',
      async () => (await this.sessions()).length === 0,
      PATIENCE_MS,
      async () => JSON.stringify(await this.sessions()),
    );
  }

  /** A transaction that began before the cut makes a compaction wait between statements. */
  async keepWaitingForSnapshots(): Promise<void> {
    await this.other.query('begin isolation level repeatable read');
    await this.other.query('select 1');
  }

  waitsForSnapshots(): Promise<void> {
    return waitFor('it waits for an older transaction', async () => {
      const found = await this.sessions();
      return found.some(({ name, query }) => name === WORKER && query.includes('backend_xmin'));
    });
  }

  waitsInDetach(): Promise<void> {
    return waitFor('it waits within a statement', async () => {
      const found = await this.sessions();
      return found.some(({ name, query, waits }) => name === WORKER && /concurrently/.test(query) && waits === 'Lock');
    });
  }

  async expectToContinue(): Promise<void> {
    await this.other.query('rollback');
    const said: string[] = [];
    await this.compact(this.database.url, line => said.push(line));
    expect(said.join('\n')).toContain('The log now begins after revision');
    await assertCatalogInvariants(this.database.url);
    await this.nothingIsLeft();
  }

  private async sessions() {
    const { rows } = await this.admin.query<{ name: string; query: string; waits: string | null }>(
      `select application_name as name, query, wait_event_type as waits from pg_stat_activity
       where datname = current_database() and application_name like 'platform-coordination %'`,
    );
    return rows;
  }
}

/** The tests run at the same time, since they wait for limits of time; each has a database of its own. */
const it = test.extend('trial', async ({ task: _task }, { onCleanup }) => {
  const trial = await Trial.begin();
  onCleanup(() => trial.end());
  return trial;
});

describe.concurrent('A compaction', () => {
  it.for<[string, string, RegExp]>([
    [
      'its lock',
      LOCK,
      /^The connection that holds the lock of the compaction was lost \(.+\), so the compaction was stopped/,
    ],
    ['its work', WORKER, /^The connection of the compaction was lost \(.+\), so the compaction was stopped/],
  ])(
    'that waits ends when the connection of %s is ended, and the next run continues',
    async ([, application, said], { trial }) => {
      await trial.keepWaitingForSnapshots();
      const compacting = failure(trial.compact());
      await trial.waitsForSnapshots();
      await trial.terminate(application);
      const message = await compacting;
      expect(message).toMatch(said);
      expect(message).toMatch(CONTINUE);
      await trial.nothingIsLeft();
      await trial.expectToContinue();
    },
  );

  it.for<[string, string]>([
    ['its lock', LOCK],
    ['its work', WORKER],
  ])('that waits within a statement ends when the connection of %s is ended', async ([, application], { trial }) => {
    await trial.other.query('begin; lock table service_event in access share mode');
    const compacting = failure(trial.compact());
    await trial.waitsInDetach();
    await trial.terminate(application);
    expect(await compacting).toMatch(CONTINUE);
    // The lock that it waits for is still held: without the abort, the statement would keep waiting.
    await trial.nothingIsLeft();
    await trial.expectToContinue();
  });

  it('ends when the server no longer responds', async ({ trial }) => {
    const proxy = await PostgresProxy.start(trial.database.url);
    await trial.keepWaitingForSnapshots();
    const compacting = failure(trial.compact(proxy.url));
    await trial.waitsForSnapshots();
    proxy.setSilent(true);
    const message = await compacting;
    expect(message).toContain('the server has not answered for 10 s');
    expect(message).toMatch(CONTINUE);
    proxy.setSilent(false);
    await trial.nothingIsLeft();
    await trial.expectToContinue();
    await proxy.shut();
  });
});
