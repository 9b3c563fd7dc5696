import { readSettings, type Settings } from '@coordination/config';
import { appRoleOf, migrate } from '@coordination/database';
import { SCHEMA } from '@coordination/migrations';
import { serverTarget } from './command-target.js';

/**
 * Migrates the schema of the database that the environment names to this version, and grants the role of the service the
 * privileges that it needs.
 * @param say prints which privileges were granted to which role, or why none were
 * @returns a line that names the applied migrations
 * @throws Error with one line for the user if no database is named, or it cannot be migrated
 */
export async function runMigrations(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void = () => undefined,
): Promise<string> {
  const settings = readSettings(env);
  const url = migrationUrl(settings);
  const done = await migrate(url, {
    schema: SCHEMA,
    ssl: settings.DATABASE_SSL,
    appRole: appRoleOf(settings),
    log: say,
  });
  return done.length > 0 ? `Migrations applied: ${done.join(', ')}` : 'The schema is up to date.';
}

/** Lines that name the database that {@link runMigrations} will act on. */
export function migrationTarget(env: NodeJS.ProcessEnv): readonly string[] {
  const settings = readSettings(env);
  return serverTarget(env, settings, migrationUrl(settings)).lines;
}

function migrationUrl({ DATABASE_MIGRATION_URL, DATABASE_URL }: Settings): string {
  const url = DATABASE_MIGRATION_URL ?? DATABASE_URL;
  if (url === undefined) {
    throw new Error('Set DATABASE_URL (or DATABASE_MIGRATION_URL). For the embedded PostgreSQL use `npm run migrate`.');
  }
  return url;
}
