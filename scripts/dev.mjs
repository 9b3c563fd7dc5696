// Runs the service with auto-reload. This process also uses the embedded PostgreSQL, so that the database keeps running while the
// service restarts. Another process checks types, so a reload only waits until the changed files are compiled.
import { fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { createInterface } from 'node:readline';
import './typescript.mjs';
import { ReloadingService } from './reloading-service.mjs';
import { WatchedSources } from './watched-sources.mjs';

const { assertEmbeddedAllowed, readSettings } = await import('../libs/config/src/read-settings.ts');
const { execArgvForBudget } = await import('../libs/config/src/memory.ts');
const { startEmbeddedPostgres } = await import('../libs/embedded-postgres/src/embedded-postgres.ts');
const { assertCanListen } = await import('../libs/http/src/server/listen-address.ts');

const TSC = 'node_modules/typescript/bin/tsc';
const TSC_OPTIONS = ['-p', 'apps/coordination/tsconfig.dev.json', '--watch', '--preserveWatchOutput'];
/** How often (ms) this process checks whether npm still runs. */
const PARENT_CHECK_MS = 1_000;
const MS = 1_000;

const say = line => process.stdout.write(`${line}\n`);

/** Resolves with the signal that ends this process. */
const stopSignal = new Promise(resolve => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => resolve(signal));
  // npm forwards signals, but a kill -9 of npm must end this process, too. Without npm, the parent may end first.
  const parent = process.ppid;
  if (!process.env.npm_lifecycle_event) return;
  setInterval(() => process.ppid === parent || resolve('SIGTERM'), PARENT_CHECK_MS).unref();
});
let isStopping = false;
void stopSignal.then(() => (isStopping = true));

async function main() {
  const settings = readSettings(process.env);
  if (settings.DATABASE_URL === undefined) assertEmbeddedAllowed(settings);
  await assertCanListen(settings);
  const postgres =
    settings.DATABASE_URL === undefined
      ? await startEmbeddedPostgres({ dataDir: settings.PCS_EMBEDDED_POSTGRES_DIR, log: say })
      : undefined;
  try {
    return isStopping ? 0 : await runReloading(settings);
  } finally {
    await postgres?.stop();
  }
}

/** Runs the service until the stop signal. @returns its exit code */
async function runReloading({ PCS_SHUTDOWN_DRAIN_SECONDS: drain, PCS_SHUTDOWN_GRACE_SECONDS: grace }) {
  const { PCS_MEMORY_BUDGET_MB: budget, NODE_OPTIONS: nodeOptions } = process.env;
  const service = new ReloadingService((drain + grace) * MS, say, execArgv =>
    execArgvForBudget({ budget, execArgv, nodeOptions }),
  );
  const sources = await WatchedSources.open(() => {
    const faults = sources.faults();
    for (const fault of faults) say(fault);
    if (faults.length > 0) {
      say('Not reloaded: the service keeps running without this change.');
    } else {
      say('A source file has changed; restarting the service');
      service.restart();
    }
  });
  say('Compiling changed files and starting the service');
  service.restart();
  const types = checkTypes();
  const signal = await stopSignal;
  types.kill();
  return await service.stop(signal);
}

/** Prints type errors, now and after each change, with the lowest priority. */
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
