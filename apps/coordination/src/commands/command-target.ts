import { resolve } from 'node:path';
import { assertEmbeddedAllowed, foreignVariablesOf, serverVariablesOf, type Settings } from '@coordination/config';
import { describePlace, placeOf } from '@coordination/database';
import { EMBEDDED_DATABASE } from '@coordination/embedded-postgres';
import { differentDatabases } from './different-databases.js';

/** The database that a command acts on, determined before the command connects, starts or creates anything. */
export interface CommandTarget {
  /** Absent: the embedded PostgreSQL. */
  readonly url: string | undefined;
  readonly database: string;
  /** Lines that the command prints before it acts: the database, and warnings about the environment. */
  readonly lines: readonly string[];
  /** Whether other settings name another database than this one. */
  readonly isDoubtful: boolean;
}

/** The inputs that determine the database. */
export interface CommandCall {
  readonly env: NodeJS.ProcessEnv;
  readonly settings: Settings;
  /** Whether the option --embedded was given. */
  readonly isEmbeddedAsked: boolean;
}

/**
 * The database for `migrate`, `db-create` and `db-reset`: that of the settings, or the embedded one if no variable of the
 * environment refers to a server.
 * @throws Error with one line for the user if it cannot be determined, or is not allowed
 */
export function commandTarget({ env, settings, isEmbeddedAsked }: CommandCall): CommandTarget {
  const url = settings.DATABASE_MIGRATION_URL ?? settings.DATABASE_URL;
  if (url !== undefined && !isEmbeddedAsked) return serverTarget(env, settings, url);
  assertEmbeddedAllowed(settings);
  const named = isEmbeddedAsked ? [] : serverVariablesOf(env);
  if (named.length > 0) {
    const list = named.map(name => (env[name]?.trim() === '' ? `${name} (empty)` : name)).join(', ');
    throw new Error(
      `DATABASE_URL is not set, but these variables refer to a database server: ${list}. Set DATABASE_URL to act on that ` +
        'server, or add --embedded to act on the embedded PostgreSQL. Nothing was changed.',
    );
  }
  return embeddedTarget(settings);
}

/** The embedded PostgreSQL of the settings. */
export function embeddedTarget(settings: Settings): CommandTarget {
  assertEmbeddedAllowed(settings);
  const directory = resolve(settings.PCS_EMBEDDED_POSTGRES_DIR);
  const line = `Database: ${EMBEDDED_DATABASE} of the embedded PostgreSQL in ${directory}.`;
  return { url: undefined, database: EMBEDDED_DATABASE, lines: [line], isDoubtful: false };
}

/** The database that a URL of the settings leads to. */
export function serverTarget(env: NodeJS.ProcessEnv, settings: Settings, url: string): CommandTarget {
  const place = placeOf(url);
  const doubts = differentDatabases(settings);
  const foreign = foreignVariablesOf(env);
  return {
    url,
    database: place.database,
    lines: [`Database: ${describePlace(place)}.`, ...doubts, ...(foreign === undefined ? [] : [foreign])],
    isDoubtful: doubts.length > 0,
  };
}
