import { availableParallelism, cpus, loadavg } from 'node:os';

/**
 * Most tests wait for processes, servers and time limits, so more files run at once than there are cores. With two files for
 * each core, the cores were idle for a third of a run.
 */
const PER_CORE = 2.5;
/** One worker alone would leave a core to idle while its tests wait, and a run to last for hours. */
const LEAST_OF_CORES = 2;
/** Each worker has nodes, and each node has connections: the server of the tests allows so many ({@link MAX_CONNECTIONS}). */
const MOST = 8;

/** Connections that the server of the tests allows, enough for the most workers. */
export const MAX_CONNECTIONS = 600;

/** For so long (ms) it is looked whether the cores are busy. */
const LOOK_MS = 300;
/** A machine whose cores rest for more than a tenth of the time has room, whatever the last minute was like. */
const BUSY_SHARE = 0.9;

/**
 * How many test files run at once: as many as the machine has cores for, fewer where others keep them busy, two at least where
 * there are two cores.
 * @param cores that this process may use
 * @param load how many processes want to run
 */
export function workers(cores = availableParallelism(), load = loadNow()): number {
  const wanted = (PER_CORE * cores) / Math.max(1, load / cores);
  return Math.min(MOST, Math.max(Math.min(cores, LEAST_OF_CORES), Math.floor(wanted)));
}

/** The average of the last minute, unless what made it is over. */
function loadNow(): number {
  const before = coreTimes();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  const after = coreTimes();
  const idleShare = (after.idle - before.idle) / (after.all - before.all);
  return 1 - idleShare < BUSY_SHARE ? 0 : (loadavg()[0] ?? 0);
}

function coreTimes(): { readonly idle: number; readonly all: number } {
  const times = cpus().map(core => core.times);
  return {
    idle: times.reduce((sum, { idle }) => sum + idle, 0),
    all: times.reduce((sum, time) => sum + Object.values(time).reduce((total, ms) => total + ms, 0), 0),
  };
}
