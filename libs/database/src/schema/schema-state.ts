import { DatabaseClient } from '../connections/database-client.js';
import { pgOptions } from '../connections/pg-options.js';
import { type SchemaDefinition } from './schema-definition.js';
import {
  type Ask,
  describePrivileges,
  MIGRATIONS_TABLE,
  type NeededPrivilege,
  neededPrivileges,
} from './service-privileges.js';
import { type SslMode } from '../servers/tls-demand.js';

/** The check ends when the server does not answer, so that it can be repeated. */
const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** What a role finds in its database. */
export interface SchemaState {
  readonly role: string;
  /** Migrations that were not applied, by name; undefined: the role may not read which were. */
  readonly pending: readonly string[] | undefined;
  /** Migrations that were applied and are not of this version: a newer one was here. */
  readonly unknown: readonly string[];
  /** Privileges that the service needs and the role does not have, as people read them. */
  readonly missing: readonly string[];
  /** Who owns the table of migrations; undefined: there is none. */
  readonly owner: string | undefined;
  /** Whether the role may do what its owner may. */
  readonly isOwner: boolean;
}

/** Checks the schema by selects on system catalogs, so that a role needs no privilege to find out which it lacks. */
export async function schemaState(ask: Ask, schema: SchemaDefinition): Promise<SchemaState> {
  const names = schema.migrations.map(({ name }) => name);
  const [me] = await ask<{ role: string }>('select current_user::text as role');
  const privileges = await neededPrivileges(ask, schema.privileges);
  const { role } = me!;
  const table = privileges.find(({ kind, name }) => kind === 'table' && name === MIGRATIONS_TABLE);
  if (!table) {
    return { role, pending: names, unknown: [], missing: [], owner: undefined, isOwner: false };
  }
  const applied = await appliedMigrations(ask, privileges, table);
  return {
    role,
    pending: applied && names.filter(name => !applied.has(name)),
    unknown: [...(applied ?? [])].filter(name => !names.includes(name)),
    missing: describePrivileges(privileges.filter(({ isHeld }) => !isHeld)),
    owner: table.owner ?? undefined,
    isOwner: table.isOwner,
  };
}

/** What {@link schemaState} returns for the role of a URL. */
export async function readSchemaState(url: string, ssl: SslMode, schema: SchemaDefinition): Promise<SchemaState> {
  const client = new DatabaseClient({
    ...pgOptions(url, ssl),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    application_name: 'platform-coordination schema check',
  });
  await client.connect();
  try {
    return await schemaState(async <Row extends object>(text: string, parameters: readonly unknown[] = []) => {
      const { rows } = await client.query<Row>(text, [...parameters]);
      return rows;
    }, schema);
  } finally {
    await client.end();
  }
}

/**
 * The names of the migrations that have not been applied to the database.
 * @throws Error that names the privilege that the role of the URL needs to read them
 */
export async function pendingMigrations(url: string, ssl: SslMode, schema: SchemaDefinition): Promise<string[]> {
  const { pending, role, missing } = await readSchemaState(url, ssl, schema);
  if (pending) return [...pending];
  throw new Error(`The role ${role} may not read which migrations were applied. It lacks: ${missing.join('; ')}.`);
}

async function appliedMigrations(
  ask: Ask,
  privileges: readonly NeededPrivilege[],
  table: NeededPrivilege,
): Promise<ReadonlySet<string> | undefined> {
  const mayUse = privileges.every(({ kind, isHeld }) => kind !== 'schema' || isHeld);
  if (!mayUse || !table.isHeld) return undefined;
  const rows = await ask<{ name: string }>(`select name from ${table.target} order by id`);
  return new Set(rows.map(({ name }) => name));
}
