import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailableError } from '@coordination/kernel';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { Databases, type Purpose } from '../connections/databases.js';
import { query } from './query.js';
import { readSnapshot } from './read.js';

let database: TestDatabase;
let databases: Databases;

const open = (url: string) => Databases.open({ url, ssl: 'off', poolMax: 3, entities: [] });

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await open(database.url);
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

const backends = async (em: Parameters<typeof query>[0]) =>
  await query<{ pid: number }>(em, 'select pg_backend_pid() as pid');

const applicationName = (purpose: Purpose) =>
  readSnapshot(databases, em => query(em, "select current_setting('application_name') as name"), { purpose });

describe('read', () => {
  it('sees one snapshot and can change nothing', async () => {
    const settings = await readSnapshot(databases, em =>
      query(em, "select current_setting('transaction_isolation') i, current_setting('transaction_read_only') r"),
    );
    expect(settings).toEqual([{ i: 'repeatable read', r: 'on' }]);
    await expect(readSnapshot(databases, em => query(em, 'update catalog_head set fence = 9'))).rejects.toMatchObject({
      cause: { code: '25006' },
    });
  });

  it('takes the connections of its purpose', async () => {
    expect(await applicationName('reads')).toEqual([{ name: 'platform-coordination reads' }]);
    expect(await applicationName('writer')).toEqual([{ name: 'platform-coordination writer' }]);
  });

  it('leaves no setting behind on the connection', async () => {
    await readSnapshot(databases, em => query(em, 'select 1'), { timeoutMs: 1234 });
    const rows = await query<{ t: string }>(databases.em('reads'), "select current_setting('statement_timeout') as t");
    expect(rows).toEqual([{ t: '0' }]);
  });

  it('ends a statement that takes too long', async () => {
    await expect(readSnapshot(databases, em => query(em, 'select pg_sleep(60)'), { timeoutMs: 50 })).rejects.toThrow(
      StoreUnavailableError,
    );
    await expect(readSnapshot(databases, em => query(em, 'select 1 as one'))).resolves.toEqual([{ one: 1 }]);
  });

  it('tells of a connection that was cut, and goes on with a new one', async () => {
    const cut = readSnapshot(databases, async em => {
      const [backend] = await backends(em);
      await query(databases.em('writer'), 'select pg_terminate_backend($1)', [backend?.pid]);
      return await backends(em);
    });
    await expect(cut).rejects.toThrow(StoreUnavailableError);
    await expect(readSnapshot(databases, backends)).resolves.toHaveLength(1);
  });

  it('gives up on a server that does not answer at all', async () => {
    // Nothing says "I do not answer" like a statement without a limit of its own.
    const stuck = readSnapshot(
      databases,
      async em => {
        await query(em, 'set local statement_timeout = 0');
        return await query(em, 'select pg_sleep(60)');
      },
      { timeoutMs: 100 },
    );
    await expect(stuck).rejects.toThrow(StoreUnavailableError);
  });

  it('may last longer than a silence, as long as the server answers', async () => {
    const timeoutMs = unhurried(400);
    const lasting = readSnapshot(
      databases,
      async (em, heard) => {
        const end = performance.now() + 4 * timeoutMs;
        while (performance.now() < end) {
          await query(em, 'select pg_sleep(0.02)');
          heard();
        }
        return 'read';
      },
      { timeoutMs },
    );
    await expect(lasting).resolves.toBe('read');
  });

  it('tells of a database that is not there', async () => {
    const url = new URL(database.url);
    url.port = '1';
    const away = await open(url.href);
    try {
      await expect(readSnapshot(away, em => query(em, 'select 1'))).rejects.toThrow(StoreUnavailableError);
    } finally {
      await away.close();
    }
  });

  it('passes a mistake of ours as it is', async () => {
    await expect(readSnapshot(databases, em => query(em, 'select from where'))).rejects.toMatchObject({
      code: '42601',
    });
  });
});
