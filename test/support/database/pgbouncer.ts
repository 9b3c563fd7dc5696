import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { giveTo, serverAccount } from '@coordination/embedded-postgres/testing';
import { type DisposableDirectory, disposableDirectory } from '../disposable-directory.js';
import { waitFor } from '../time/wait-for.js';
import { lastingPort } from './lasting-port.js';

const LOOPBACK = '127.0.0.1';

/** Debian's package puts it where only root's PATH leads. */
const USUAL_PLACES = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** PgBouncer of this machine; undefined where there is none. */
export function findPgBouncer(): string | undefined {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...USUAL_PLACES];
  return places.map(place => join(place, 'pgbouncer')).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** PgBouncer in transaction mode before a database, to be killed. Nothing starts it again but the test. */
export class PgBouncer {
  private constructor(
    private readonly program: string,
    private readonly directory: DisposableDirectory,
    private readonly target: URL,
    private readonly port: number,
    private child: ChildProcess,
  ) {}

  /** @param poolSize connections to the server: few, so that callers get another one from transaction to transaction */
  static async start(program: string, databaseUrl: string, poolSize: number): Promise<PgBouncer> {
    const directory = disposableDirectory();
    const target = new URL(databaseUrl);
    const port = await lastingPort();
    const home = join(directory.path, 'pgbouncer');
    await mkdir(home);
    const config = {
      listen_addr: LOOPBACK,
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: join(home, 'users'),
      logfile: join(home, 'log'),
      pool_mode: 'transaction',
      default_pool_size: poolSize,
      server_login_retry: 1,
    };
    const settings = Object.entries(config).map(([name, value]) => `${name} = ${value}`);
    const databases = `[databases]\n* = host=${target.hostname} port=${target.port}\n`;
    await writeFile(join(home, 'config'), `${databases}[pgbouncer]\n${settings.join('\n')}\n`);
    await writeFile(join(home, 'users'), `"${target.username}" "${target.password}"\n`, { mode: 0o600 });
    const account = await serverAccount(home);
    await giveTo(account, home);
    await chmod(home, 0o700);
    const child = launch(program, directory, account);
    const pooler = new PgBouncer(program, directory, target, port, child);
    await pooler.listens();
    return pooler;
  }

  /** The database's URL, through the pooler; it stays the same. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `${LOOPBACK}:${this.port}`;
    return url.href;
  }

  /** What it has logged. */
  async log(): Promise<string> {
    return await readFile(join(this.directory.path, 'pgbouncer', 'log'), 'utf8');
  }

  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  async startAgain(): Promise<void> {
    this.child = launch(this.program, this.directory, await serverAccount(join(this.directory.path, 'pgbouncer')));
    await this.listens();
  }

  async remove(): Promise<void> {
    await this.directory.remove();
  }

  private async listens(): Promise<void> {
    await waitFor('PgBouncer listens', async () => {
      if (this.child.exitCode !== null) throw new Error(`PgBouncer ended: ${await this.log()}`);
      return await isOpen(this.port);
    });
  }
}

/** It refuses to run as root. */
function launch(
  program: string,
  directory: DisposableDirectory,
  account: Awaited<ReturnType<typeof serverAccount>>,
): ChildProcess {
  const child = spawn(program, ['--quiet', join(directory.path, 'pgbouncer', 'config')], {
    ...account,
    cwd: '/',
    detached: true,
    stdio: 'ignore',
  });
  if (child.pid !== undefined) directory.owns(child.pid);
  return child;
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, LOOPBACK, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
