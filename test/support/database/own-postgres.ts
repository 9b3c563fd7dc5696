import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import {
  ensureDatabase,
  giveTo,
  type Home,
  initialise,
  isAlive,
  launch,
  prepareHome,
  serverUrl,
  stopServer,
} from '@coordination/embedded-postgres/testing';
import { type DisposableDirectory, disposableDirectory } from '../disposable-directory.js';
import { lastingPort } from './lasting-port.js';
import { waitFor } from '../time/wait-for.js';
import { migrate } from './schema.js';

const DATABASE = 'catalog';

/** What was committed survives the death of every process, though not that of the machine. */
const PARAMETERS = { fsync: 'off', full_page_writes: 'off', max_connections: '100' };

/** It listens on a socket, too. */
const parametersOf = ({ directory }: Home) => ({ ...PARAMETERS, unix_socket_directories: directory });

/** A PostgreSQL server that one test has for itself, to be killed. Nothing starts it again but the test. */
export class OwnPostgres {
  private constructor(
    private readonly directory: DisposableDirectory,
    private readonly home: Home,
    private readonly port: number,
    private pid: number,
  ) {}

  /** Starts a server with a migrated database, or one without any table. */
  static async start({ migrated = true }: { readonly migrated?: boolean } = {}): Promise<OwnPostgres> {
    const directory = disposableDirectory();
    const data = join(directory.path, 'postgres');
    await mkdir(data);
    const home = await prepareHome(data, () => undefined);
    await initialise(home, false);
    const { pid, port } = await launch(home, await lastingPort(), parametersOf(home));
    await ensureDatabase(home, port, DATABASE);
    const postgres = new OwnPostgres(directory, home, port, pid);
    if (migrated) await migrate(postgres.url);
    return postgres;
  }

  /** URL of the migrated database; it stays the same. */
  get url(): string {
    return serverUrl(this.home, this.port, DATABASE);
  }

  /** The directory of its socket. */
  get socketDirectory(): string {
    return this.home.directory;
  }

  /** URL of the migrated database, by another name of the machine, of another user, or with parameters. */
  urlWith(differing: {
    readonly host?: string;
    readonly user?: readonly [name: string, password: string];
    readonly parameters?: Readonly<Record<string, string>>;
  }): string {
    const url = new URL(this.url);
    if (differing.host !== undefined) url.hostname = differing.host;
    if (differing.user) [url.username, url.password] = differing.user;
    for (const [name, value] of Object.entries(differing.parameters ?? {})) url.searchParams.set(name, value);
    return url.href;
  }

  /**
   * New connections can have TLS from now on, with this certificate (PEM); or, without one, no TLS any more.
   * @param clientAuthority who issues the certificates of clients, if they may show any
   */
  async serveCertificate(
    certificate: { readonly cert: string; readonly key: string } | undefined,
    clientAuthority?: string,
  ): Promise<void> {
    if (certificate) {
      await this.write('server.crt', certificate.cert);
      await this.write('server.key', certificate.key);
    }
    if (clientAuthority !== undefined) await this.write('clients.crt', clientAuthority);
    await this.ask(`alter system set ssl_ca_file = '${clientAuthority === undefined ? '' : 'clients.crt'}'`);
    await this.ask(`alter system set ssl = ${certificate ? 'on' : 'off'}`);
    await this.reload();
  }

  /** Rules of pg_hba.conf that go before those that there are, from now on; they replace earlier ones of this kind. */
  async setAccess(...rules: readonly string[]): Promise<void> {
    const always = 'host all postgres 127.0.0.1/32 scram-sha-256';
    await this.write('pg_hba.conf', [...rules, always, 'host all all 127.0.0.1/32 scram-sha-256', ''].join('\n'));
    await this.reload();
  }

  /** Ends the connections to the database whose application name matches a pattern of LIKE. */
  async terminate(application: string): Promise<void> {
    await this.administer(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name like '${application}' and datname <> current_database()`,
    );
  }

  /** Runs a statement as superuser in the server's own database, so that it can be about this one. */
  async administer(statement: string): Promise<void> {
    await run(serverUrl(this.home, this.port, 'postgres'), statement);
  }

  /** Tells the server to read its settings and certificates anew, and waits until it has. */
  private async reload(): Promise<void> {
    const loaded = async () => {
      const [row] = await this.ask<{ at: string }>('select pg_conf_load_time()::text as at');
      return row!.at;
    };
    const before = await loaded();
    await this.ask('select pg_reload_conf()');
    await waitFor('the server has read its settings', async () => (await loaded()) !== before);
  }

  /** Writes a file of the data directory. */
  private async write(name: string, content: string): Promise<void> {
    const path = join(this.home.data, name);
    await writeFile(path, content);
    await chmod(path, 0o600);
    await giveTo(this.home.account, path);
  }

  /** Kills the server: SIGKILL leaves it to its children to notice, SIGQUIT is the immediate shutdown. */
  async kill(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
    process.kill(this.pid, signal);
    await waitFor('the server is dead', async () => !(await isAlive(this.pid)));
  }

  /** Starts it again, on the same port and data; it recovers by itself. */
  async startAgain(): Promise<void> {
    this.pid = (await launch(this.home, this.port, parametersOf(this.home))).pid;
  }

  /** Keeps a copy of all that is committed. The server is away for a moment meanwhile. */
  async backUp(): Promise<void> {
    await this.kill('SIGQUIT');
    await copyOver(this.home.data, this.backup);
    await this.startAgain();
  }

  /**
   * Puts the copy in the place of the data, as a restored backup does: whatever was committed since is lost. The server
   * may have been killed before.
   */
  async restore(): Promise<void> {
    if (await isAlive(this.pid)) await this.kill('SIGQUIT');
    await copyOver(this.backup, this.home.data);
    await this.startAgain();
  }

  /**
   * Makes a standby that streams from this server. The server is away for a moment meanwhile.
   * @returns the standby, which a test must remove before this server
   */
  async standby(): Promise<OwnPostgres> {
    const directory = disposableDirectory();
    const root = join(directory.path, 'postgres');
    await mkdir(root);
    const fresh = await prepareHome(root, () => undefined);
    // It has the same passwords, since they are in the data.
    const home = { ...fresh, password: this.home.password };
    await this.kill('SIGQUIT');
    await copyOver(this.home.data, home.data);
    await this.startAgain();
    await rm(join(home.data, 'postmaster.pid'), { force: true });
    await writeFile(join(home.data, 'standby.signal'), '');
    const source = new URL(serverUrl(this.home, this.port, DATABASE));
    await appendFile(
      join(home.data, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=${source.hostname} port=${source.port} user=${source.username} password=${source.password}'\n`,
    );
    const { pid, port } = await launch(home, await lastingPort(), parametersOf(home));
    return new OwnPostgres(directory, home, port, pid);
  }

  /** From now on a commit of this server waits until a standby has it on its disk. */
  async waitForStandby(): Promise<void> {
    await this.ask(`alter system set synchronous_standby_names = '*'`);
    await this.reload();
    await waitFor('the standby is synchronous', async () => {
      const [row] = await this.ask<{ found: boolean }>(
        `select exists (select from pg_stat_replication where sync_state in ('sync', 'quorum')) as found`,
      );
      return row!.found;
    });
  }

  /** Transactions of this server only read by default, from now on; or they write. */
  async setReadOnly(isReadOnly: boolean): Promise<void> {
    await this.ask(`alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`);
    await this.reload();
  }

  /** Starts it again after it was killed: as a standby of nobody, or as a server whose transactions only read by default. */
  async startAgainAs(what: 'standby' | 'read-only'): Promise<void> {
    if (what === 'standby') {
      const signal = join(this.home.data, 'standby.signal');
      await writeFile(signal, '');
      await giveTo(this.home.account, signal);
    }
    const readOnly: Record<string, string> = what === 'read-only' ? { default_transaction_read_only: 'on' } : {};
    this.pid = (await launch(this.home, this.port, { ...parametersOf(this.home), ...readOnly })).pid;
  }

  /** Makes a standby the primary. */
  async promote(): Promise<void> {
    await this.ask('select pg_promote(wait => true)');
  }

  /** Up to which revision this server has the catalog. */
  async revision(): Promise<number> {
    const [head] = await this.ask<{ revision: number }>('select revision::float8 as revision from catalog_head');
    return head!.revision;
  }

  /** Runs a statement in the database as superuser. */
  async ask<Row extends object>(statement: string): Promise<Row[]> {
    return await run<Row>(this.url, statement);
  }

  private get backup(): string {
    return join(this.home.directory, 'backup');
  }

  async remove(): Promise<void> {
    await stopServer(this.home.data);
    await this.directory.remove();
  }
}

async function run<Row extends object>(url: string, statement: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // it also rejects the query
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** With owners and modes, which PostgreSQL insists on. */
async function copyOver(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await promisify(execFile)('cp', ['-a', from, to]);
}
