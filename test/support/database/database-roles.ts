import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client, escapeIdentifier } from 'pg';
import { type TestDatabase } from './test-database.js';

const ROLES = readFileSync(new URL('../../../migrations/roles.sql', import.meta.url), 'utf8');

/** The roles of `migrations/roles.sql`, under names of their own, because roles belong to the whole server. */
export interface DatabaseRoles {
  readonly owner: string;
  readonly app: string;
  readonly maintenance: string;
  /** URL of the database for a role. */
  as(role: string): string;
  /** Runs what is shipped once more. */
  again(): Promise<void>;
  /** Removes the roles, after the database that their privileges are in. */
  remove(): Promise<void>;
}

/** Makes the roles in a database, as a superuser does before the first migration. */
export async function makeRoles(database: TestDatabase): Promise<DatabaseRoles> {
  const suffix = randomUUID().slice(0, 8);
  const [owner, app, maintenance] = ['owner', 'app', 'maintenance'].map(name => `coordination_${name}_${suffix}`);
  const password = randomUUID();
  const sql = ROLES.replaceAll(/\bcoordination_(owner|app|maintenance)\b/g, name => `${name}_${suffix}`);
  const all = [maintenance, owner, app].map(role => escapeIdentifier(role!));
  await runSql(database.url, sql);
  for (const role of all) await runSql(database.url, `alter role ${role} password '${password}'`);
  return {
    owner: owner!,
    app: app!,
    maintenance: maintenance!,
    as(role) {
      const url = new URL(database.url);
      url.username = role;
      url.password = password;
      return url.href;
    },
    again: () => runSql(database.url, sql),
    remove: () => runSql(database.adminUrl, all.map(role => `drop role ${role}`).join('; ')),
  };
}

/** Runs statements over a connection of their own. */
export async function runSql(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/**
 * What an old release had granted, before idempotency keys and the guard of liveness had come: their tables were left to
 * be granted by hand.
 */
export const oldGrants = (app: string): string => `
  grant select, insert on service_event to ${app};
  grant select, update on catalog_head to ${app};
  grant select, insert, update, delete on service_instance, instance_lease to ${app};
  grant select, insert, update on service_revision, node_role to ${app};
  grant select on log_cut, catalog_baseline, mikro_orm_migrations to ${app};
  revoke execute on function lock_catalog_head, catalog_server, ensure_service_event_partitions from public;
  grant execute on function lock_catalog_head, catalog_server, ensure_service_event_partitions to ${app}`;
