import { MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { MIGRATIONS } from '@coordination/migrations';
import { type Pool } from 'pg';
import { pgOptions } from './pg-options.js';
import { PoolConnections, severedUntil } from './pool-connections.js';
import { shortLived } from './short-lived.js';
import { type SslMode } from './tls-demand.js';
import { underLock } from './under-lock.js';

/** Names the lock that migrating nodes queue at; an arbitrary number that nothing else in the database uses. */
const MIGRATION_LOCK = 8_081_202_601;

const CONNECT_TIMEOUT_MS = 5_000;

/** How long (ms) it may take to find out which migrations there are. */
const LOOK_TIMEOUT_MS = 10_000;

/** How to migrate: up to the newest version, or down to none. */
export interface MigrateOptions {
  readonly ssl?: SslMode;
  readonly direction?: 'up' | 'down';
  /** Stops it: what is not done by then is done by nobody. */
  readonly signal?: AbortSignal;
}

/**
 * Brings the schema to the newest version (or, downwards, to nothing) and tells the names of the migrations that ran.
 * Nodes that start at the same time wait for each other at an advisory lock, because MikroORM's migrator takes none.
 * A migration may take as long as it likes, and may wait for others; but it ends with an error, of which nothing is left
 * on the server, when its connection or that of the lock is lost, or the server does not answer at all.
 */
export async function migrate(
  url: string,
  { ssl = 'off', direction = 'up', signal }: MigrateOptions = {},
): Promise<string[]> {
  return await locked(url, ssl, signal, async lost => {
    const migration = await openForMigration(url, ssl, lost);
    try {
      const { migrator } = migration.orm;
      const done = direction === 'up' ? await migrator.up() : await migrator.down({ to: 0 });
      return done.map(({ name }) => name);
    } finally {
      await migration.close();
    }
  });
}

/** The migrations that the database has not seen yet. */
export async function pendingMigrations(url: string, ssl: SslMode = 'off'): Promise<string[]> {
  const migration = await openForMigration(url, ssl, AbortSignal.timeout(LOOK_TIMEOUT_MS));
  try {
    return (await migration.orm.migrator.getPending()).map(({ name }) => name);
  } finally {
    await migration.close();
  }
}

const locked = <T>(
  url: string,
  ssl: SslMode,
  signal: AbortSignal | undefined,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> =>
  underLock(
    {
      url,
      ssl,
      key: MIGRATION_LOCK,
      work: 'the migration',
      application: 'platform-coordination migration lock',
      signal,
    },
    work,
  );

interface OpenMigration {
  readonly orm: MikroORM;
  close(): Promise<void>;
}

/** @param stop cuts the connections when it is aborted */
async function openForMigration(url: string, ssl: SslMode, stop: AbortSignal): Promise<OpenMigration> {
  let connections: PoolConnections | undefined;
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    logger: () => undefined,
    driverOptions: {
      ...pgOptions(url, ssl),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      max: 1,
      application_name: 'platform-coordination migrator',
      onPoolCreated: (pool: Pool) => {
        pool.on('connect', shortLived);
        connections = new PoolConnections(pool);
      },
    },
    migrations: { migrationsList: MIGRATIONS, snapshot: false, silent: true, transactional: true },
  });
  const sever = () => connections?.sever();
  stop.addEventListener('abort', sever);
  return {
    orm,
    async close() {
      stop.removeEventListener('abort', sever);
      await severedUntil(orm.close(true), sever);
    },
  };
}
