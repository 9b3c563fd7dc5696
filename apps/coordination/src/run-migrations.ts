import { readSettings, type Settings } from '@coordination/config';
import { appRoleOf, migrate } from '@coordination/database';
import { SCHEMA } from '@coordination/migrations';
import { serverTarget } from './command-target.js';

/**
 * Brings the schema of the database that the environment names to what this version needs, grants the role of the service
 * what it needs there, and tells what was migrated.
 * @param say is told what was granted to whom, or why nothing was
 * @throws Error with one line for people when no database is named, or it cannot be migrated
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

/** Which database {@link runMigrations} will act on, in lines for people. */
export function migrationTarget(env: NodeJS.ProcessEnv): readonly string[] {
  const settings = readSettings(env);
  return serverTarget(env, settings, migrationUrl(settings)).lines;
}

function migrationUrl({ DATABASE_MIGRATION_URL, DATABASE_URL }: Settings): string {
  const url = DATABASE_MIGRATION_URL ?? DATABASE_URL;
  if (url === undefined) {
    throw new Error('Set DATABASE_URL (or DATABASE_MIGRATION_URL): `npm run migrate` serves the embedded PostgreSQL.');
  }
  return url;
}
