import { readdir, readFile } from 'node:fs/promises';

/** Ticks per second in /proc, which every Linux has at this value for user space. */
const TICKS_PER_SECOND = 100;

/** Places in /proc/<pid>/stat after the name: parent, own time in user and kernel mode, that of children that ended. */
const PARENT = 1;
const OWN_TIMES = [11, 12] as const;
const CHILD_TIMES = [13, 14] as const;

const NANOSECONDS = 1e9;

/**
 * Seconds of CPU that a process and its children, living or not, have used; undefined where there is no /proc. Ticks of many
 * processes that do little are too coarse: of living children, which have one thread each as those of PostgreSQL have, the
 * scheduler's own count is taken, where it keeps one.
 */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  const stats = await readStats();
  const own = stats.get(pid);
  if (!own) return undefined;
  const living = [...stats].filter(([, fields]) => Number(fields[PARENT]) === pid);
  const ofChildren = await Promise.all(
    living.map(async ([child, fields]) => (await scheduledSeconds(child)) ?? sum(fields, OWN_TIMES) / TICKS_PER_SECOND),
  );
  const ticks = sum(own, [...OWN_TIMES, ...CHILD_TIMES]);
  return ticks / TICKS_PER_SECOND + ofChildren.reduce((total, seconds) => total + seconds, 0);
}

/** How long a process of one thread has run, by the scheduler; undefined where it does not count that. */
async function scheduledSeconds(pid: number): Promise<number | undefined> {
  const [nanoseconds] = (await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')).split(' ');
  return Number(nanoseconds) > 0 ? Number(nanoseconds) / NANOSECONDS : undefined;
}

/** Resident memory of a process (MiB); undefined where there is no /proc. */
export async function residentMiB(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? [];
  return kib === undefined ? undefined : Number(kib) / 1024;
}

async function readStats(): Promise<Map<number, string[]>> {
  const pids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name));
  const entries = await Promise.all(
    pids.map(async pid => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return [Number(pid), stat.slice(stat.lastIndexOf(')') + 2).split(' ')] as const;
    }),
  );
  return new Map(entries.filter(([, fields]) => fields.length > CHILD_TIMES[1]));
}

const sum = (fields: readonly string[], places: readonly number[]): number =>
  places.reduce((total, place) => total + Number(fields[place]), 0);
