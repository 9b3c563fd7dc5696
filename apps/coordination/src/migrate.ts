// Migrates and ends: for images without development dependencies, where `npm run migrate` cannot run.
import process from 'node:process';
import { runMigrations } from './run-migrations.js';

try {
  const ofGrants: string[] = [];
  const ofMigrations = await runMigrations(process.env, line => ofGrants.push(line));
  for (const line of [ofMigrations, ...ofGrants]) process.stdout.write(`${line}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
