// Runs the service with auto-reload. This process keeps a share in the embedded PostgreSQL, so that the database stays up while
// the service reloads. Types are checked beside: a reload waits for no more than the files that were changed to be compiled.
import { fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { createInterface } from 'node:readline';
import './typescript.mjs';
import { ReloadingService } from './reloading-service.mjs';
import { WatchedSources } from './watched-sources.mjs';

const { assertEmbeddedAllowed, readSettings } = await import('../libs/config/src/read-settings.ts');
const { startEmbeddedPostgres } = await import('../libs/embedded-postgres/src/embedded-postgres.ts');
const { assertCanListen } = await import('../libs/http/src/server/listen-address.ts');

const TSC = 'node_modules/typescript/bin/tsc';
const TSC_OPTIONS = ['-p', 'apps/coordination/tsconfig.dev.json', '--watch', '--preserveWatchOutput'];
/** How often (ms) it is looked whether npm still lives. */
const LOOK_MS = 1_000;
const MS = 1_000;

const say = line => process.stdout.write(`${line}\n`);

/** The signal to end, once it has come. */
const told = new Promise(resolve => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => resolve(signal));
  // npm passes signals on, but a kill -9 of it must end this, too. Whoever runs this script without npm may leave it running.
  const parent = process.ppid;
  if (!process.env.npm_lifecycle_event) return;
  setInterval(() => process.ppid === parent || resolve('SIGTERM'), LOOK_MS).unref();
});
let isTold = false;
void told.then(() => (isTold = true));

async function main() {
  const settings = readSettings(process.env);
  if (settings.DATABASE_URL === undefined) assertEmbeddedAllowed(settings);
  await assertCanListen(settings);
  const postgres =
    settings.DATABASE_URL === undefined
      ? await startEmbeddedPostgres({ dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR, log: say })
      : undefined;
  try {
    return isTold ? 0 : await runReloading(settings);
  } finally {
    await postgres?.stop();
  }
}

/** The exit code of the service, once it was told to end. */
async function runReloading({ PCS_SHUTDOWN_DRAIN_SECONDS: drain, PCS_SHUTDOWN_GRACE_SECONDS: grace }) {
  const service = new ReloadingService((drain + grace) * MS, say);
  const sources = new WatchedSources(() => {
    const faults = sources.faults();
    for (const fault of faults) say(fault);
    if (faults.length > 0) {
      say('Not reloaded: the service is what it was before this change.');
    } else {
      say('A source was changed; reloading the service');
      service.restart();
    }
  });
  say('Starting the service; what was changed is compiled first');
  service.restart();
  const types = checkTypes();
  const signal = await told;
  types.kill();
  return await service.stop(signal);
}

/** Tells what is wrong with the types, now and after each change, when the service leaves the machine time for it. */
function checkTypes() {
  const tsc = fork(TSC, TSC_OPTIONS, {
    execArgv: ['--import', './scripts/end-with-parent.mjs'],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  tsc.once('spawn', () => setPriority(tsc.pid, constants.priority.PRIORITY_LOW));
  createInterface({ input: tsc.stdout }).on('line', line => line && say(`types: ${line}`));
  return tsc;
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
