import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { chmodSync, chownSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../../test/support/disposable-directory.js';
import { eventually } from '../../../test/support/time/eventually.js';
import { canEnter } from './account.js';
import { MARKER } from './claim-directory.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;
const UNKNOWN_USER = 54_321;
const HOLDER = resolve(import.meta.dirname, '../../../test/support/database/hold-postgres.mjs');
const OTHERS_CAN_READ = IS_ROOT && (await canEnter({ uid: NOBODY, gid: NOBODY }, import.meta.dirname));
const LOOPBACK = '127.0.0.1';

async function sql<T extends object = Record<string, string>>(url: string, statement: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  // The tests kill servers; whoever waits for an answer gets the error from the query.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals) {
  const ended = once(child, 'exit');
  child.kill(signal);
  return await ended;
}

const isRunning = async (pid: number) => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== '';
const refused = (url: string) =>
  eventually(() => expect(sql(url, 'select 1')).rejects.toThrow(/ECONNREFUSED|terminat/));

interface ProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** Each test has a directory of its own. The tests run at the same time, since they wait for servers to start and to end. */
const it = test
  .extend('directory', ({ task: _task }, { onCleanup }): DisposableDirectory => {
    const directory = disposableDirectory();
    onCleanup(() => directory.remove());
    return directory;
  })
  .extend('dataDir', ({ directory }) => join(directory.path, '.data', 'postgres'))
  .extend('lines', ({ task: _task }): string[] => [])
  .extend(
    'start',
    ({ dataDir, lines }) =>
      (dir = dataDir) =>
        startEmbeddedPostgres({ dataDir: dir, log: line => void lines.push(line) }),
  )
  // A service of its own process: holds a share until it gets a signal.
  .extend('holder', ({ directory, dataDir }) => async (dir = dataDir, options: ProcessOptions = {}) => {
    const child = spawn(process.execPath, [HOLDER, dir], {
      env: process.env,
      ...options,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    directory.owns(child.pid!);
    const errors: string[] = [];
    child.stderr.on('data', chunk => errors.push(String(chunk)));
    const url = await Promise.race([
      once(child.stdout, 'data').then(([chunk]) => String(chunk).trim()),
      once(child, 'exit').then(() => Promise.reject(new Error(errors.join('')))),
    ]);
    return { child, url };
  })
  // Where the server lives: in the directory itself, unless only root can enter the checkout.
  .extend(
    'home',
    ({ dataDir }) =>
      async (dir = dataDir) =>
        (await readFile(join(dir, 'moved-to'), 'utf8').catch(() => dir)).trim(),
  )
  .extend(
    'pidFile',
    ({ dataDir, home }) =>
      async (dir = dataDir) =>
        join(await home(dir), 'data', 'postmaster.pid'),
  )
  .extend(
    'serverPid',
    ({ dataDir, pidFile }) =>
      async (dir = dataDir) =>
        Number((await readFile(await pidFile(dir), 'utf8')).split('\n')[0]),
  );

describe.concurrent('startEmbeddedPostgres', () => {
  it('keeps its data between starts', async ({ start }) => {
    const first = await start();
    await sql(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    await refused(first.url);
    const second = await start();
    expect(await sql(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
    await second.stop();
  });

  it('is durable, private, and on loopback alone', async ({ dataDir, home, start }) => {
    const { url, stop } = await start();
    const at = await home();
    const places = [dataDir, at, join(at, 'data'), join(at, 'password')];
    const modes = await Promise.all(places.map(async place => ((await stat(place)).mode & 0o777).toString(8)));
    expect(modes).toEqual(['700', '700', '700', '600']);
    const [settings] = await sql(
      url,
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
              current_setting('full_page_writes') as pages, current_setting('listen_addresses') as addresses,
              current_setting('unix_socket_directories') as sockets, current_setting('password_encryption') as password`,
    );
    expect(settings).toEqual({
      fsync: 'on',
      commit: 'on',
      pages: 'on',
      addresses: LOOPBACK,
      sockets: '',
      password: 'scram-sha-256',
    });
    const stranger = new URL(url);
    stranger.password = 'wrong';
    await expect(sql(stranger.href, 'select 1')).rejects.toThrow('password authentication failed');
    await stop();
  });

  it('stores UTF-8 also where the environment names no language', async ({ dataDir, holder }) => {
    const { child, url } = await holder(dataDir, { env: { PATH: process.env['PATH'] } });
    expect(await sql(url, `select current_setting('server_encoding') as encoding, upper('zoë') as name`)).toEqual([
      { encoding: 'UTF8', name: 'ZOË' },
    ]);
    await end(child, 'SIGTERM');
  });

  it('leaves the server to the next process after a kill -9', async ({ holder, serverPid, start }) => {
    const { child, url } = await holder();
    await sql(url, 'create table kept as select 42 as answer');
    const pid = await serverPid();
    await end(child, 'SIGKILL');
    const next = await start();
    expect(await serverPid()).toBe(pid);
    expect(await sql(next.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await next.stop();
    expect(await isRunning(pid)).toBe(false);
  });

  it('recovers what was committed after a kill -9 of the server and of the service', async ({
    holder,
    serverPid,
    start,
  }) => {
    const { child, url } = await holder();
    await sql(url, 'create table kept as select 42 as answer');
    process.kill(await serverPid(), 'SIGKILL');
    await end(child, 'SIGKILL');
    const next = await start();
    expect(await sql(next.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await next.stop();
  });

  it('starts a killed server again at the same address', async ({ serverPid, start }) => {
    const { url, stop } = await start();
    await sql(url, 'create table kept as select 42 as answer');
    process.kill(await serverPid(), 'SIGKILL');
    await eventually(async () => expect(await sql(url, 'select answer from kept')).toEqual([{ answer: 42 }]));
    await stop();
    await refused(url);
  });

  it('neither harms nor is stopped by a foreign process that postmaster.pid names', async ({
    directory,
    home,
    pidFile,
    start,
  }) => {
    const first = await start();
    const file = await readFile(await pidFile(), 'utf8');
    await first.stop();
    // Of the same user, or PostgreSQL itself would see that it cannot be a server of its own.
    const owner = IS_ROOT ? { uid: (await stat(join(await home(), 'data'))).uid } : {};
    const stranger = spawn('sleep', ['60'], { ...owner, detached: true, stdio: 'ignore' });
    directory.owns(stranger.pid!);
    await writeFile(await pidFile(), file.replace(/^\d+/, String(stranger.pid)));
    const second = await start();
    expect(await sql(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await second.stop();
    expect(await isRunning(stranger.pid!)).toBe(true);
    await end(stranger, 'SIGKILL');
  });

  it('does not mistake the server of another directory for its own', async ({ directory, pidFile, start }) => {
    const other = join(directory.path, 'other');
    const [mine, theirs] = await Promise.all([start(), start(other)]);
    expect(mine.url).not.toBe(theirs.url);
    await mine.stop();
    await writeFile(await pidFile(), await readFile(await pidFile(other), 'utf8'));
    const again = await start();
    await sql(again.url, 'create table mine ()');
    expect(await sql(theirs.url, `select to_regclass('mine') as found`)).toEqual([{ found: null }]);
    await again.stop();
    expect(await sql(theirs.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await theirs.stop();
  });

  it('is shared by services that start at the same instant; the last one out stops it', async ({
    dataDir,
    holder,
    serverPid,
  }) => {
    const services = await Promise.all([holder(), holder(), holder()]);
    expect(new Set(services.map(({ url }) => url)).size).toBe(1);
    const [first, second, third] = services;
    expect(await end(first.child, 'SIGTERM')).toEqual([0, null]);
    await end(second.child, 'SIGKILL');
    expect(await sql(third.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    const pid = await serverPid();
    expect(await end(third.child, 'SIGTERM')).toEqual([0, null]);
    expect(await isRunning(pid)).toBe(false);
    expect(await readdir(join(dataDir, 'shares'))).toEqual([]);
  });

  it('is shared by services that start at the same instant in a directory that is there and empty', async ({
    dataDir,
    holder,
  }) => {
    await mkdir(dataDir, { recursive: true });
    const services = await Promise.all([holder(), holder(), holder()]);
    expect(new Set(services.map(({ url }) => url)).size).toBe(1);
    for (const { child } of services) await end(child, 'SIGTERM');
  });

  it('goes on with the data of a release that made no marker', async ({ dataDir, home, start }) => {
    const first = await start();
    await sql(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    for (const place of new Set([dataDir, await home()])) await rm(join(place, MARKER));
    const second = await start();
    expect(await sql(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
    for (const place of new Set([dataDir, await home()])) expect(await readdir(place)).toContain(MARKER);
  });

  it('starts nothing in a directory with content of others', async ({ dataDir, start }) => {
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, 'notes.txt'), 'mine');
    const { mode, uid } = await stat(dataDir);
    await expect(start()).rejects.toThrow(`Cannot use ${dataDir} for the embedded PostgreSQL`);
    expect(await readdir(dataDir)).toEqual(['notes.txt']);
    expect(await stat(dataDir)).toMatchObject({ mode, uid });
  });

  it.runIf(IS_ROOT)(
    'runs as the owner of a directory that was there, when root starts it',
    async ({ dataDir, home, serverPid, start }) => {
      const games = {
        uid: Number(execFileSync('id', ['-u', 'games'])),
        gid: Number(execFileSync('id', ['-g', 'games'])),
      };
      await mkdir(dataDir, { recursive: true });
      chownSync(dataDir, games.uid, games.gid);
      const { stop } = await start();
      expect((await stat(`/proc/${await serverPid()}`)).uid).toBe(games.uid);
      expect(await stat(await home())).toMatchObject(games);
      await stop();
    },
  );

  it.runIf(IS_ROOT)('runs as nobody where the system does not know the owner', async ({ dataDir, start }) => {
    await mkdir(dataDir, { recursive: true });
    chownSync(dataDir, UNKNOWN_USER, UNKNOWN_USER);
    const { url, stop } = await start();
    expect(await sql(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await stop();
  });

  it.runIf(IS_ROOT)(
    'takes no directory of others where root’s data would go',
    async ({ dataDir, directory, home, start }) => {
      chmodSync(directory.path, 0o700);
      const first = await start();
      await first.stop();
      const elsewhere = await home();
      await rm(elsewhere, { recursive: true });
      await mkdir(elsewhere);
      await writeFile(join(elsewhere, 'notes.txt'), 'mine');
      chmodSync(elsewhere, 0o755);
      await expect(start()).rejects.toThrow(`Cannot use ${elsewhere} for the embedded PostgreSQL: it has content`);
      expect(await readdir(elsewhere)).toEqual(['notes.txt']);
      expect(await stat(elsewhere)).toMatchObject({ uid: 0, mode: 0o40_755 });
      await rm(join(dataDir, 'moved-to'));
      await expect(start()).rejects.toThrow(`Cannot use ${elsewhere}`);
      expect(await readFile(join(elsewhere, 'notes.txt'), 'utf8')).toBe('mine');
      await rm(elsewhere, { recursive: true });
    },
  );

  it.runIf(IS_ROOT)('runs as another user when root starts it', async ({ serverPid, start }) => {
    const { stop } = await start();
    const { uid } = await stat(`/proc/${await serverPid()}`);
    expect(uid).not.toBe(0);
    await stop();
  });

  it.runIf(OTHERS_CAN_READ)('runs for a user who is not root', async ({ dataDir, directory, holder, serverPid }) => {
    chmodSync(directory.path, 0o777);
    const { child, url } = await holder(dataDir, { uid: NOBODY, gid: NOBODY });
    expect(await sql(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    const pid = await serverPid();
    expect(await end(child, 'SIGTERM')).toEqual([0, null]);
    expect(await isRunning(pid)).toBe(false);
  });

  it.runIf(IS_ROOT)(
    'lives elsewhere when only root can enter the directory, and says where',
    async ({ dataDir, directory, lines, start }) => {
      chmodSync(directory.path, 0o700);
      const first = await start();
      const elsewhere = (await readFile(join(dataDir, 'moved-to'), 'utf8')).trim();
      expect(lines.join('\n')).toContain(elsewhere);
      expect((await stat(elsewhere)).mode & 0o777).toBe(0o700);
      await sql(first.url, 'create table kept as select 42 as answer');
      await first.stop();
      const second = await start();
      expect(await sql(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
      await second.stop();
      // Whoever removes the directory means its data, and a checkout made anew in the same place must not find old ones.
      await rm(dataDir, { recursive: true });
      const third = await start();
      expect(await sql(third.url, `select to_regclass('kept') as found`)).toEqual([{ found: null }]);
      await third.stop();
    },
  );

  it.runIf(IS_ROOT)(
    'takes its data along when the directory is closed to others later',
    async ({ directory, start }) => {
      const first = await start();
      await sql(first.url, 'create table kept as select 42 as answer');
      await first.stop();
      chmodSync(directory.path, 0o700);
      const second = await start();
      expect(await sql(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
      await second.stop();
    },
  );
});
