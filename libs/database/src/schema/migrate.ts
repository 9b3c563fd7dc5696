import { MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { type Pool } from 'pg';
import { type AppRole, findAppRole } from './app-role.js';
import { grantPrivileges } from './grants.js';
import { placeOf } from '../servers/database-place.js';
import { mayMigrate } from './may-migrate.js';
import { pgOptions, poolPatience } from '../connections/pg-options.js';
import { PoolConnections, severedUntil } from '../connections/pool-connections.js';
import { query } from '../reading/query.js';
import { type SchemaDefinition } from './schema-definition.js';
import { schemaState } from './schema-state.js';
import { type Ask } from './service-privileges.js';
import { shortLived } from '../connections/short-lived.js';
import { type SslMode } from '../servers/tls-demand.js';
import { underLock } from '../locks/under-lock.js';

/** Key of the lock that migrating nodes wait for; an arbitrary number that nothing else in the database uses. */
const MIGRATION_LOCK = 8_081_202_601;

const CONNECT_TIMEOUT_MS = 5_000;

/** How to migrate: up to the newest version, or down to none. */
export interface MigrateOptions {
  readonly schema: SchemaDefinition;
  readonly ssl?: SslMode;
  readonly direction?: 'up' | 'down';
  /** The role that gets the privileges that the service needs. */
  readonly appRole?: AppRole;
  /** Receives log lines that say what was granted to which role, or why nothing was. */
  readonly log?: (line: string) => void;
  /** Stops the migration; it does not go on in the background. */
  readonly signal?: AbortSignal;
}

/**
 * Brings the schema to the newest version (or, downwards, to nothing) and returns the names of the migrations that ran.
 * Upwards, the role of the service gets what it lacks in the same transaction, so that no node meets a table that it may
 * not use yet; and also where there was nothing to migrate, because the role may be newer than the tables.
 * Nodes that start at the same time wait for each other at an advisory lock, because MikroORM's migrator takes none.
 * A migration may take as long as it likes, and may wait for others; but it ends with an error, of which nothing is left
 * on the server, when its connection or that of the lock is lost, or the server does not answer at all.
 * @throws Error with a line for people when the role of the service is named and missing, or this role may not migrate;
 * nothing was done then
 */
export async function migrate(url: string, { ssl = 'off', signal, ...options }: MigrateOptions): Promise<string[]> {
  return await locked(url, ssl, signal, async lost => {
    const migration = openForMigration(url, ssl, options.schema, lost);
    const { orm } = migration;
    try {
      if (options.direction !== 'down') return await migrateUp(orm, options);
      return namesOf(await orm.migrator.down({ to: 0 }));
    } finally {
      await migration.close();
    }
  });
}

async function migrateUp(orm: MikroORM, { schema, appRole = {}, log }: MigrateOptions): Promise<string[]> {
  const ask: Ask = (text, parameters) => query(orm.em, text, parameters);
  const found = await findAppRole(ask, appRole);
  const isAllowed = await mayMigrate(ask, await schemaState(ask, schema));
  // The migrator makes its table outside the transaction below, which would wait for itself.
  if (isAllowed) await orm.migrator.getExecuted();
  const { done, lines } = await orm.em.transactional(async em => ({
    done: isAllowed ? await orm.migrator.up({ transaction: em.getTransactionContext() }) : [],
    lines: await grantPrivileges((text, parameters) => query(em, text, parameters), schema.privileges, found),
  }));
  for (const line of lines) log?.(line);
  return namesOf(done);
}

const namesOf = (migrations: readonly { readonly name: string }[]): string[] => migrations.map(({ name }) => name);

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
function openForMigration(
  url: string,
  ssl: SslMode,
  { migrations }: SchemaDefinition,
  stop: AbortSignal,
): OpenMigration {
  let connections: PoolConnections | undefined;
  const options = pgOptions(url, ssl);
  const orm = new MikroORM({
    dbName: placeOf(url).database,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    logger: () => undefined,
    driverOptions: {
      ...options,
      ...poolPatience(options, CONNECT_TIMEOUT_MS),
      max: 1,
      application_name: 'platform-coordination migrator',
      onPoolCreated: (pool: Pool) => {
        pool.on('connect', shortLived);
        connections = new PoolConnections(pool);
      },
    },
    migrations: { migrationsList: [...migrations], snapshot: false, silent: true, transactional: true },
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
