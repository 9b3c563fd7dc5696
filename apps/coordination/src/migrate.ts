// Entry point of the migration in images without development dependencies, where `npm run migrate` cannot run.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { migrationTarget, runMigrations } from './commands/run-migrations.js';

try {
  readArgs();
  for (const line of migrationTarget(process.env)) process.stdout.write(`${line}\n`);
  const grantLines: string[] = [];
  const result = await runMigrations(process.env, line => grantLines.push(line));
  for (const line of [result, ...grantLines]) process.stdout.write(`${line}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function readArgs(): void {
  try {
    parseArgs({ options: {} });
  } catch (error) {
    throw new Error(
      `${(error as Error).message} Usage: migrate.js (no options). DATABASE_MIGRATION_URL or DATABASE_URL names the database.`,
      { cause: error },
    );
  }
}
