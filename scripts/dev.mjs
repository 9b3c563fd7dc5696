// Runs the service with auto-reload. This process keeps a share in the embedded PostgreSQL, so that the database
// stays up while the service reloads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import './typescript.mjs';

const { assertEmbeddedAllowed, readSettings } = await import('../libs/config/src/settings.ts');
const { startEmbeddedPostgres } = await import('../libs/database/src/embedded/embedded-postgres.ts');

const NEST = [
  'node_modules/@nestjs/cli/bin/nest.js',
  'start',
  '--watch',
  '--no-shell',
  '--preserveWatchOutput',
  '--path',
  'apps/coordination/tsconfig.dev.json',
];
/** A signal that reaches the CLI between two runs of the service is lost on the next one, so it is repeated (ms). */
const REPEAT_SIGNAL_MS = 2_000;

/** @type {import('node:child_process').ChildProcess | undefined} */
let nest;
/** @type {NodeJS.Signals | undefined} */
let told;

function onSignal(signal) {
  if (told) return;
  told = signal;
  nest?.kill(signal);
  setInterval(() => nest?.kill(signal), REPEAT_SIGNAL_MS).unref();
}
process.on('SIGTERM', onSignal).on('SIGINT', onSignal);

async function main() {
  const settings = readSettings(process.env);
  if (settings.DATABASE_URL === undefined) assertEmbeddedAllowed(settings);
  const postgres =
    settings.DATABASE_URL === undefined
      ? await startEmbeddedPostgres({
          dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR,
          log: line => process.stdout.write(`${line}\n`),
        })
      : undefined;
  try {
    return told ? 0 : await runNest();
  } finally {
    await postgres?.stop();
  }
}

/** The exit code of the CLI, which is that of the service when it was told to end. */
async function runNest() {
  nest = spawn(process.execPath, NEST, { stdio: 'inherit', env: { LOG_FORMAT: 'pretty', ...process.env } });
  const [code] = await once(nest, 'exit');
  nest = undefined;
  // Ended by the signal itself: it had not come to running the service yet.
  return code ?? (told ? 0 : 1);
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
