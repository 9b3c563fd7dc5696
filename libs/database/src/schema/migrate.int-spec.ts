import { SCHEMA } from '@coordination/migrations';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OwnPostgres } from '../../../../test/support/database/own-postgres.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { PATIENCE_MS, waitFor } from '../../../../test/support/time/wait-for.js';
import { SchemaGate } from './schema-gate.js';
import { ConnectionLostError } from '../locks/under-lock.js';
import { migrate } from '../../../../test/support/database/schema.js';

const MIGRATOR = 'platform-coordination migrator';
const LOCK = 'platform-coordination migration lock';

let database: TestDatabase;
let admin: Client;
let blocker: Client;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
  admin = await connected(database.url);
  blocker = await connected(database.url);
  await block(blocker);
});

afterEach(async () => {
  await blocker.end();
  await admin.end();
  await database.drop();
});

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** A table of this name that nobody sees yet: whoever makes one waits for the end of this transaction. */
async function block(client: Client): Promise<void> {
  await client.query('begin');
  await client.query('create table log_cut (a int)');
}

const SESSIONS = `
  select application_name as name, pid, wait_event_type as waits from pg_stat_activity
  where datname = current_database() and application_name like 'platform-coordination migrat%'`;

/** The sessions of migrating nodes, by what they call themselves. */
async function sessions(asking = admin): Promise<string[]> {
  const { rows } = await asking.query<{ name: string }>(SESSIONS);
  return rows.map(({ name }) => name).toSorted();
}

const isBlocked = async (asking = admin) => {
  const { rows } = await asking.query<{ name: string; waits: string | null }>(SESSIONS);
  return rows.some(({ name, waits }) => name === MIGRATOR && waits === 'Lock');
};

const blocked = (asking = admin) => waitFor('the migration waits', () => isBlocked(asking));

const terminate = (application: string) =>
  admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1',
    [application],
  );

const nothingIsLeft = (asking = admin) =>
  waitFor(
    'no session is left',
    async () => (await sessions(asking)).length === 0,
    PATIENCE_MS,
    async () => JSON.stringify(await sessions(asking)),
  );

/** How a migration ends, told when it does. */
const ended = (migrating: Promise<unknown>) =>
  migrating.then(
    done => done,
    (error: unknown) => error,
  );

describe('A migration that waits', () => {
  it('ends with an error when its own connection is ended, and lets the next one have the lock', async () => {
    const first = ended(migrate(database.url));
    await blocked();
    const second = ended(migrate(database.url));
    await waitFor(
      'the second waits for the lock',
      async () => (await sessions()).filter(name => name === LOCK).length === 2,
    );
    await terminate(MIGRATOR);
    expect(await first).toMatchObject({ code: '57P01' });
    await blocked();
    await blocker.query('rollback');
    expect(await second).toContainEqual(expect.stringContaining('catalog'));
    await nothingIsLeft();
  });

  it('is stopped when the connection of its lock is ended, and leaves nothing on the server', async () => {
    const migrating = ended(migrate(database.url));
    await blocked();
    await terminate(LOCK);
    const error = await migrating;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect((error as Error).message).toMatch(
      /^The connection that holds the lock of the migration was lost \(.+\), so the migration was stopped\.$/,
    );
    // The other transaction is still there, so by itself the statement would wait on.
    await nothingIsLeft();
  });

  it('is stopped by whoever began it', async () => {
    const giveUp = new AbortController();
    const migrating = ended(migrate(database.url, { signal: giveUp.signal }));
    await blocked();
    giveUp.abort(new Error('enough'));
    expect(await migrating).toMatchObject({ message: 'enough' });
    await nothingIsLeft();
  });

  it('is stopped while it waits for the lock, too', async () => {
    const first = ended(migrate(database.url));
    await blocked();
    const giveUp = new AbortController();
    const second = ended(migrate(database.url, { signal: giveUp.signal }));
    await waitFor(
      'the second waits for the lock',
      async () => (await sessions()).filter(name => name === LOCK).length === 2,
    );
    giveUp.abort(new Error('enough'));
    expect(await second).toMatchObject({ message: 'enough' });
    await blocker.query('rollback');
    expect(await first).not.toEqual([]);
  });

  it('ends when the server says nothing any more, and is done when it is tried again', async () => {
    const proxy = await PostgresProxy.start(database.url);
    const migrating = ended(migrate(proxy.url));
    await blocked();
    proxy.setSilent(true);
    const error = await migrating;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect((error as Error).message).toContain('the server has not answered for 10 s');
    proxy.setSilent(false);
    await nothingIsLeft();
    await blocker.query('rollback');
    await expect(migrate(proxy.url)).resolves.not.toEqual([]);
    await proxy.shut();
  });

  it('leaves nothing behind when its process is killed', async () => {
    const script = resolve(import.meta.dirname, '../../../../scripts/database.mjs');
    const child = spawn(process.execPath, [script, 'migrate'], {
      env: { ...process.env, DATABASE_URL: database.url },
      stdio: 'ignore',
    });
    await blocked();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await nothingIsLeft();
    await blocker.query('rollback');
    await expect(migrate(database.url)).resolves.not.toEqual([]);
  });
});

describe('A node that migrates', () => {
  it.each([
    ['its migration', MIGRATOR],
    ['the lock', LOCK],
  ])('tries again by itself when the connection of %s was ended', async (_what, application) => {
    const gate = new SchemaGate({ schema: SCHEMA, url: database.url, ssl: 'off', migrate: true });
    gate.onApplicationBootstrap();
    await blocked();
    await terminate(application);
    await waitFor('it tries again', async () => (await sessions()).includes(LOCK));
    await blocker.query('rollback');
    await gate.opened;
    await nothingIsLeft();
  });

  it('tries again by itself after the server was restarted, and so does the node behind it', async () => {
    const postgres = await OwnPostgres.start({ migrated: false });
    try {
      await block(await connected(postgres.url));
      const gates = [1, 2].map(() => new SchemaGate({ schema: SCHEMA, url: postgres.url, ssl: 'off', migrate: true }));
      for (const gate of gates) gate.onApplicationBootstrap();
      const asking = await connected(postgres.url);
      await blocked(asking);
      await postgres.kill('SIGQUIT');
      await postgres.startAgain();
      // Whoever blocked it is gone, too.
      for (const gate of gates) await gate.opened;
      await nothingIsLeft(await connected(postgres.url));
    } finally {
      await postgres.remove();
    }
  });
});
