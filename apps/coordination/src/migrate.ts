// Migrates and ends: for images without development dependencies, where `npm run migrate` cannot run.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { migrationTarget, runMigrations } from './run-migrations.js';

try {
  readArgs();
  for (const line of migrationTarget(process.env)) process.stdout.write(`${line}\n`);
  const ofGrants: string[] = [];
  const ofMigrations = await runMigrations(process.env, line => ofGrants.push(line));
  for (const line of [ofMigrations, ...ofGrants]) process.stdout.write(`${line}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function readArgs(): void {
  try {
    parseArgs({ options: {} });
  } catch (error) {
    throw new Error(
      `${(error as Error).message} Usage: migrate.js, without options: DATABASE_MIGRATION_URL or DATABASE_URL names the database.`,
      { cause: error },
    );
  }
}
