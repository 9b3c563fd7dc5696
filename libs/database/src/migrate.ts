import { MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { MIGRATIONS } from '@coordination/migrations';
import pRetry from 'p-retry';
import { type Client } from 'pg';
import { DatabaseClient } from './database-client.js';
import { pgOptions } from './pg-options.js';
import { type SslMode } from './tls-demand.js';

/** Names the lock that migrating nodes queue at; an arbitrary number that nothing else in the database uses. */
const MIGRATION_LOCK = 8_081_202_601;

/**
 * A migration may take as long as it likes, and may wait for others; but a server that does not answer at all, or is gone
 * without a word, must end the try, or there would never be another one.
 */
const PATIENCE = {
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} as const;

/** How often (ms) those that wait for the lock try it: at first, and at the most. */
const FIRST_TRY_AGAIN_MS = 50;
const LAST_TRY_AGAIN_MS = 1_000;

class LockTakenError extends Error {}

/** How to migrate: up to the newest version, or down to none. */
export interface MigrateOptions {
  readonly ssl?: SslMode;
  readonly direction?: 'up' | 'down';
}

/**
 * Brings the schema to the newest version (or, downwards, to nothing) and tells the names of the migrations that ran.
 * Nodes that start at the same time wait for each other at an advisory lock, because MikroORM's migrator takes none.
 */
export async function migrate(url: string, { ssl = 'off', direction = 'up' }: MigrateOptions = {}): Promise<string[]> {
  return await locked(url, ssl, async () => {
    const orm = await openForMigration(url, ssl);
    try {
      const done = direction === 'up' ? await orm.migrator.up() : await orm.migrator.down({ to: 0 });
      return done.map(migration => migration.name);
    } finally {
      await orm.close(true);
    }
  });
}

/** The migrations that the database has not seen yet. */
export async function pendingMigrations(url: string, ssl: SslMode = 'off'): Promise<string[]> {
  const orm = await openForMigration(url, ssl);
  try {
    return (await orm.migrator.getPending()).map(migration => migration.name);
  } finally {
    await orm.close(true);
  }
}

async function openForMigration(url: string, ssl: SslMode): Promise<MikroORM> {
  return await MikroORM.init({
    clientUrl: url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    logger: () => undefined,
    driverOptions: {
      ...pgOptions(url, ssl),
      ...PATIENCE,
      max: 1,
      application_name: 'platform-coordination migrator',
    },
    migrations: { migrationsList: MIGRATIONS, snapshot: false, silent: true, transactional: true },
  });
}

/**
 * The lock lives on a connection of its own: it must hold over all transactions of the migrator. It is the lock of a
 * transaction, because a pooler in transaction mode gives the session, and its locks, to somebody else after each; and
 * those that wait for it do so without a transaction, because they would take the pooler's sessions from its holder.
 */
async function locked<T>(url: string, ssl: SslMode, work: () => Promise<T>): Promise<T> {
  const client = new DatabaseClient({
    ...pgOptions(url, ssl),
    ...PATIENCE,
    application_name: 'platform-coordination migration lock',
  });
  // A dropped connection rejects the query in flight; without a listener it would also end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await pRetry(() => takeLock(client), {
      retries: Infinity,
      minTimeout: FIRST_TRY_AGAIN_MS,
      maxTimeout: LAST_TRY_AGAIN_MS,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof LockTakenError,
    });
    const done = await work();
    await client.query('commit'); // a pooler takes a connection that ends within a transaction for a failure
    return done;
  } finally {
    await client.end();
  }
}

/** Takes the lock for a transaction that lasts until the connection ends, however long that is. */
async function takeLock(client: Client): Promise<void> {
  await client.query('begin');
  await client.query('set local idle_in_transaction_session_timeout = 0');
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
    MIGRATION_LOCK,
  ]);
  if (rows[0]?.taken) return;
  await client.query('rollback');
  throw new LockTakenError();
}
