import { type SchemaState } from './schema-state.js';
import { type Ask } from './service-privileges.js';

/**
 * Whether the role that asks may migrate. One that may not is no fault as long as there is nothing to migrate.
 * @throws Error that names the role that may, where there is something
 */
export async function mayMigrate(ask: Ask, { role, pending, owner, isOwner }: SchemaState): Promise<boolean> {
  if (owner === undefined) {
    await assertMayCreateTables(ask, role);
    return true;
  }
  if (isOwner) return true;
  if (pending?.length === 0) return false;
  throw new Error(
    `The role ${role} may not migrate, because the tables belong to ${owner}: set DATABASE_MIGRATION_URL to a URL of that ` +
      `role. Migrations that are missing: ${pending?.join(', ') ?? 'not known, since the role may not read that'}.`,
  );
}

async function assertMayCreateTables(ask: Ask, role: string): Promise<void> {
  const [place] = await ask<{ schema: string | null; isOpen: boolean | null }>(
    `select s.name as schema, has_schema_privilege(s.name, 'create') as "isOpen" from (select current_schema()::text as name) s`,
  );
  if (place?.isOpen) return;
  const where = place?.schema ? `the schema ${place.schema}` : 'any schema of its search_path';
  throw new Error(
    `The role ${role} may not migrate, because it may not create tables in ${where}: set DATABASE_MIGRATION_URL to a URL ` +
      'of the role that is to own them.',
  );
}
