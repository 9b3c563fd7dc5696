import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';

/** Long enough for the server to fill all buffers before its statement is too old, on a busy machine too. */
const HEAD_HOLD_LIMIT_MS = unhurried(4_000);

const HOLDER = new URL('../../../../test/support/database/hold-head.mjs', import.meta.url).pathname;

let database: TestDatabase;
let node: WritingNode;
let admin: Client;
let holder: ChildProcess | undefined;

beforeEach(async () => {
  database = await createTestDatabase();
  node = await startWriter(database.url, { headHoldLimitMs: HEAD_HOLD_LIMIT_MS });
  admin = new Client({ connectionString: database.url });
  await admin.connect();
});

afterEach(async () => {
  // A stopped process ends by SIGKILL only.
  holder?.kill('SIGKILL');
  await admin.end();
  await node.close();
  await database.drop();
});

const register = (instanceId: string) => registerCommand({ identity: anIdentity({ instanceId }) });

/** What the server waits for in the session of the one that holds the head; undefined: the session is gone. */
const waitOf = async (applicationName: string): Promise<string | null | undefined> => {
  const { rows } = await admin.query<{ wait: string | null }>(
    `select wait_event as wait from pg_stat_activity
     where application_name = $1 and datname = current_database()`,
    [applicationName],
  );
  return rows[0]?.wait;
};

/** The state of a process in one letter, `T` for stopped; where there is no /proc, `ps` tells it. */
const stateOf = ({ pid }: ChildProcess): string => {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
  // The name in parentheses, which may hold anything, comes before the state.
  return readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .charAt(0);
};

describe('A session that holds the head and says nothing more', () => {
  it('is ended by the server, and others write on', async () => {
    const silent = new Client({ connectionString: database.url, application_name: 'silent' });
    silent.on('error', () => undefined);
    await silent.connect();
    await silent.query('begin');
    await silent.query('select * from lock_catalog_head($1)', [HEAD_HOLD_LIMIT_MS]);
    await expect(node.submit(register('a'))).resolves.toMatchObject({ results: [{ outcome: 'created' }] });
    await waitFor('the end of the silent session', async () => (await waitOf('silent')) === undefined);
    await expect(silent.query('update catalog_head set revision = 99')).rejects.toThrow();
    await silent.end();
    await assertCatalogInvariants(database.url);
  });
});

describe('A node that is stopped while it holds the head', () => {
  it.each([
    ['between two statements', 'idle', 'ClientRead'],
    ['while a large result is on its way to it', 'receiving', 'ClientWrite'],
  ])('%s does not stop the others, and does no harm when it wakes', async (_, how, wait) => {
    await node.submit(register('before'));
    holder = spawn(process.execPath, [HOLDER, database.url, how, String(HEAD_HOLD_LIMIT_MS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stopped = holder;
    const output = text(stopped.stdout!);
    await waitFor('the node to stop', () => stateOf(stopped).startsWith('T'));
    await waitFor('the server to wait for it', async () => (await waitOf('holder of the head')) === wait);

    const { revision } = await node.submit(register('meanwhile'));
    expect(revision).toBe(2);
    expect(stateOf(stopped), 'it is stopped still').toMatch(/^T/);

    stopped.kill('SIGCONT');
    await once(stopped, 'exit');
    expect(JSON.parse(await output)).toMatchObject({ committed: false });
    await node.submit(register('after'));
    const { events } = await assertCatalogInvariants(database.url);
    expect(events.map(event => event.instanceId)).toEqual(['before', 'meanwhile', 'after']);
  });
});
