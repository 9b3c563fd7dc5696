import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DatabaseClient, pgOptions } from '@coordination/database';
import { type Home } from './home.js';
import { isAlive, isServerOf, pidFile, readPidFile } from './server-process.js';

const run = promisify(execFile);

const LOOPBACK = '127.0.0.1';
const SUPERUSER = 'postgres';
const POLL_MS = 50;
const CONNECT_TIMEOUT_MS = 2_000;
const ANSWER_TIMEOUT_MS = 2_000;
/** Making a database copies a template. */
const CREATE_TIMEOUT_MS = 60_000;
/** Recovery after a crash may take a while. */
const START_TIMEOUT_MS = 60_000;
const START_ATTEMPTS = 5;
const LOG_TAIL_LINES = 5;

/**
 * Starts a program and ends, so that the program is no child of the service: a terminal would send it Ctrl-C, and a user that ends the service with
 * all that it started would end it, too.
 */
const IN_BACKGROUND = 'umask 077; log=$0; "$@" < /dev/null > "$log" 2>&1 & echo $!';

/** A server that is known to run on the data of a home and to take connections. */
export interface RunningServer {
  readonly pid: number;
  readonly port: number;
}

/** Connection URL of a database of the server. */
export function serverUrl(home: Home, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${home.password}@${LOOPBACK}:${port}/${database}`;
}

/** Makes the data directory if there is none. A crash in between leaves nothing that looks like one. */
export async function initialise(home: Home, sync: boolean): Promise<void> {
  if (existsSync(join(home.data, 'PG_VERSION'))) return;
  const unfinished = `${home.data}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await run(
    join(home.binaries, 'bin', 'initdb'),
    // Without -E and the locale the encoding follows the environment: SQL_ASCII where LANG is unset.
    ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'].concat(
      ['-D', unfinished, '-U', SUPERUSER, '-A', 'scram-sha-256', '--pwfile', join(home.directory, 'password')],
      sync ? [] : ['--no-sync'],
    ),
    { ...home.account, cwd: '/', env: environment() },
  );
  await rename(unfinished, home.data);
}

/**
 * The server that runs on the data of this home, taken over if a process that was killed left it. Waits while it
 * recovers or shuts down. A postmaster.pid that names a process of another program is removed, and the process left alone.
 */
export async function findRunning(home: Home): Promise<RunningServer | undefined> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const named = await readPidFile(home.data);
    if (!named) return undefined;
    if (!(await isServerOf(home.data, named.pid))) {
      // Ended, or its pid now belongs to another process, which makes `postgres` refuse to start.
      await rm(pidFile(home.data), { force: true });
      return undefined;
    }
    if (named.port && (await answers(home, named.port))) return { pid: named.pid, port: named.port };
    if (performance.now() > deadline) {
      throw new Error(`The PostgreSQL with pid ${named.pid} on ${home.data} does not answer. See ${logFile(home)}.`);
    }
    await delay(POLL_MS);
  }
}

/**
 * Starts the server in a session of its own, so that Ctrl-C in a terminal does not reach it.
 * @param port the port that it must have again; undefined takes a free one
 * @throws Error with the end of the server's log
 */
export async function launch(
  home: Home,
  port: number | undefined,
  parameters: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  for (let attempt = 1; ; attempt += 1) {
    const tried = port ?? (await freePort());
    const pid = await launchOn(home, tried, parameters);
    if (pid !== undefined) return { pid, port: tried };
    const tail = await logTail(home);
    // Another process took the port meanwhile, or backends of a killed server have not ended yet.
    const passing = /could not bind|Address already in use|shared memory block|lock file/i.test(tail);
    if (!passing || attempt === START_ATTEMPTS) {
      throw new Error(`The embedded PostgreSQL on ${home.data} does not start: ${tail} (whole log: ${logFile(home)})`);
    }
    await delay(POLL_MS * 2 ** attempt);
  }
}

/** Creates the database if the server does not have it. */
export async function ensureDatabase(home: Home, port: number, database: string): Promise<void> {
  const client = ownClient(home, port, CREATE_TIMEOUT_MS);
  try {
    await client.connect();
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

async function launchOn(home: Home, port: number, parameters: Readonly<Record<string, string>>) {
  const args = ['-D', home.data, '-p', String(port)];
  const settings = { listen_addresses: LOOPBACK, unix_socket_directories: '', ...parameters };
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const shell = spawn(
    '/bin/sh',
    ['-c', IN_BACKGROUND, logFile(home), join(home.binaries, 'bin', 'postgres'), ...args],
    {
      ...home.account,
      cwd: '/',
      env: environment(),
      detached: true,
    },
  );
  const pid = Number(await text(shell.stdout));
  const deadline = performance.now() + START_TIMEOUT_MS;
  while ((await isAlive(pid)) && performance.now() < deadline) {
    if (await answers(home, port)) return pid;
    await delay(POLL_MS);
  }
  return undefined;
}

/** Whether a server on this port knows our password and serves our data; anything else on the port is not ours. */
async function answers(home: Home, port: number): Promise<boolean> {
  const client = ownClient(home, port, ANSWER_TIMEOUT_MS);
  try {
    await client.connect();
    const { rows } = await client.query<{ directory: string }>(`SELECT current_setting('data_directory') AS directory`);
    return rows[0]?.directory === home.data;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A connection to the server of this machine, which never has TLS. One that does not answer is not waited for. */
function ownClient(home: Home, port: number, answerTimeoutMs: number): DatabaseClient {
  return new DatabaseClient({
    ...pgOptions(`${serverUrl(home, port, SUPERUSER)}?sslmode=disable`, 'off'),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: answerTimeoutMs,
  });
}

/** A port without a listener at the moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, LOOPBACK, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

async function logTail(home: Home): Promise<string> {
  const lines = await readFile(logFile(home), 'utf8').catch(() => '');
  return lines.trim().split('\n').slice(-LOG_TAIL_LINES).join(' | ');
}

/** The caller's variables must not reach the server: PGDATA, PGPORT, LC_ALL and the like change what it does. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

const logFile = (home: Home): string => join(home.directory, 'server.log');
