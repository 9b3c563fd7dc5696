import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const POLL_MS = 50;
const STOP_TIMEOUT_MS = 30_000;

/** Where PostgreSQL notes the pid and port of the server of a data directory. */
export const pidFile = (data: string): string => join(data, 'postmaster.pid');

/** Stops the server of a data directory, if one runs: open transactions are rolled back, nothing committed is lost. */
export async function stopServer(data: string): Promise<void> {
  const named = await readPidFile(data);
  if (!named || !(await isServerOf(data, named.pid))) return;
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    process.kill(named.pid, signal);
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (!(await isServerOf(data, named.pid))) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`The embedded PostgreSQL with pid ${named.pid} on ${data} does not stop.`);
}

/** Whether the process is a PostgreSQL server that was started on this data directory. */
export async function isServerOf(data: string, pid: number): Promise<boolean> {
  const words = await commandLine(pid);
  return basename(words[0] ?? '') === 'postgres' && words.includes(data);
}

/** Whether the process exists. One that ended and waits for its parent to notice does not. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await commandLine(pid)).join('') !== '';
}

/** The content of postmaster.pid, which may be outdated. */
export async function readPidFile(data: string): Promise<{ pid: number; port: number | undefined } | undefined> {
  const lines = (await readFile(pidFile(data), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  // The fourth line is the port; it is missing for a moment while the server starts.
  return Number.isInteger(pid) && pid > 0 ? { pid, port: Number(lines[3]) || undefined } : undefined;
}

async function commandLine(pid: number): Promise<string[]> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  }
  const listed = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return listed.stdout.trim().split(' ');
}
