// Migrates and ends: for images without development dependencies, where `npm run migrate` cannot run.
import process from 'node:process';
import { runMigrations } from './run-migrations.js';

try {
  process.stdout.write(`${await runMigrations(process.env)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
