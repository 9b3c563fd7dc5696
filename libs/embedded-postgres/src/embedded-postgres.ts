import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { claimDirectory } from './claim-directory.js';
import { FileLock } from './file-lock.js';
import { type Home, prepareHome } from './home.js';
import { ensureDatabase, findRunning, initialise, launch, type RunningServer, serverUrl } from './server.js';
import { isServerOf, stopServer } from './server-process.js';

/** The database that the embedded PostgreSQL is for. */
export const EMBEDDED_DATABASE = 'coordination';
const LOCK_TIMEOUT_MS = 120_000;
const WATCH_MS = 1_000;
/** Each service takes about 15; tools and a second service must find room too. */
const DEFAULT_PARAMETERS = { max_connections: '200' };

/** What {@link startEmbeddedPostgres} needs to know. */
export interface EmbeddedPostgresOptions {
  /** Directory of the data, relative to the working directory: absent (then it is made), empty, or used for this before. */
  readonly dataDir: string;
  /** Takes one line for people. */
  readonly log: (line: string) => void;
  /** Server parameters besides the ones that are always set. Durability is on unless `fsync` is `off` here. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** One process's share in a server that other processes of the same checkout may use too. */
export interface EmbeddedPostgres {
  /** Connection URL of the database `coordination`, as superuser. It stays the same until {@link stop}. */
  readonly url: string;
  /** Gives up this process's share; the last one out stops the server. Repeating it does nothing. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts PostgreSQL on a data directory, or joins the one that runs there, and starts it again if it dies.
 * @throws Error with the reason when no server can be started
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = await claimDirectory(options.dataDir);
  const parameters: Record<string, string> = { ...DEFAULT_PARAMETERS, ...options.parameters };
  const { home, share, server } = await locked(directory, async () => {
    const home = await prepareHome(directory, options.log);
    await initialise(home, parameters['fsync'] !== 'off');
    const server = (await findRunning(home)) ?? (await launch(home, undefined, parameters));
    await ensureDatabase(home, server.port, EMBEDDED_DATABASE);
    return { home, server, share: await Share.take(directory) };
  });
  const watch = keepRunning(directory, home, server, parameters, options.log);
  let stopped: Promise<void> | undefined;
  return {
    url: serverUrl(home, server.port, EMBEDDED_DATABASE),
    stop: () => (stopped ??= leave(directory, home, share, watch)),
  };
}

/** A file that this process holds locked as long as it needs the server. */
class Share {
  private constructor(
    private readonly path: string,
    private readonly lock: FileLock,
  ) {}

  static async take(directory: string): Promise<Share> {
    await mkdir(sharesOf(directory), { recursive: true });
    const path = join(sharesOf(directory), randomUUID());
    return new Share(path, await FileLock.acquire(path, LOCK_TIMEOUT_MS));
  }

  /** Whether a living process other than the ones that gave up their share holds one; clears away those of dead ones. */
  static async anyLeft(directory: string): Promise<boolean> {
    for (const name of await readdir(sharesOf(directory))) {
      const path = join(sharesOf(directory), name);
      const lock = FileLock.tryAcquire(path);
      if (!lock) return true;
      lock.release();
      await rm(path, { force: true });
    }
    return false;
  }

  async giveUp(): Promise<void> {
    this.lock.release();
    await rm(this.path, { force: true });
  }
}

interface Watch {
  end(): Promise<void>;
}

/** A killed server is started again on the same port, so that connection pools find it. */
function keepRunning(
  directory: string,
  home: Home,
  first: RunningServer,
  parameters: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Watch {
  let pid = first.pid;
  let looking = Promise.resolve();
  const look = async () => {
    if (await isServerOf(home.data, pid)) return;
    log('The embedded PostgreSQL ended; starting it again');
    const server = await locked(
      directory,
      async () => (await findRunning(home)) ?? launch(home, first.port, parameters),
    );
    pid = server.pid;
  };
  let idle = true;
  const timer = setInterval(() => {
    if (!idle) return;
    idle = false;
    looking = look()
      .catch((error: unknown) => log(error instanceof Error ? error.message : String(error)))
      .finally(() => (idle = true));
  }, WATCH_MS);
  timer.unref();
  return {
    async end() {
      clearInterval(timer);
      await looking;
    },
  };
}

async function leave(directory: string, home: Home, share: Share, watch: Watch): Promise<void> {
  await watch.end();
  await locked(directory, async () => {
    await share.giveUp();
    if (!(await Share.anyLeft(directory))) await stopServer(home.data);
  });
}

/** Runs `work` while no other process starts or stops the server of this directory. */
async function locked<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const lock = await FileLock.acquire(join(directory, 'lock'), LOCK_TIMEOUT_MS);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

const sharesOf = (directory: string): string => join(directory, 'shares');
