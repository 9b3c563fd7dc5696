import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '@coordination/embedded-postgres';
import { readPidFile } from '@coordination/embedded-postgres/testing';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { migrate } from '../../support/database/schema.js';

const TEMPLATE = 'bench_template';

/** The server as a small production one: nothing that durability rests on is changed. */
const PARAMETERS = { max_connections: '300', shared_buffers: '512MB' };

/** A PostgreSQL of the bench's own, as durable as it comes, in which every measurement gets a new database. */
export class BenchPostgres {
  private constructor(
    private readonly directory: DisposableDirectory,
    private readonly stopServer: () => Promise<void>,
    private readonly admin: Client,
    private readonly url: string,
    readonly pid: number,
  ) {}

  static async start(): Promise<BenchPostgres> {
    const directory = disposableDirectory();
    const server = await startEmbeddedPostgres({
      dataDir: `${directory.path}/postgres`,
      log: () => undefined,
      parameters: PARAMETERS,
    });
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    const { rows } = await admin.query<{ directory: string }>(`select current_setting('data_directory') as directory`);
    const { pid } = (await readPidFile(rows[0]!.directory))!;
    const postgres = new BenchPostgres(directory, server.stop, admin, server.url, pid);
    await postgres.createTemplate(TEMPLATE, migrate);
    return postgres;
  }

  /** Makes a database of which others are copies. @param prepare makes the tables of the service in it */
  async createTemplate(name: string, prepare: (url: string) => Promise<unknown>): Promise<void> {
    await this.admin.query(`create database ${name}`);
    await prepare(withDatabase(this.url, name));
  }

  /** A new database with the tables of the service, all written out, so that no work of before is left to be done. */
  async createDatabase(template = TEMPLATE): Promise<string> {
    const name = `bench_${randomUUID().replaceAll('-', '')}`;
    await this.admin.query(`create database ${name} template ${template} strategy file_copy`);
    await this.admin.query('checkpoint');
    return withDatabase(this.url, name);
  }

  async dropDatabase(url: string): Promise<void> {
    await this.admin.query(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
  }

  /** What the server says of itself: for the report. */
  async describe(): Promise<string> {
    const { rows } = await this.admin.query<{ version: string }>(
      `select 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync')
         || ', synchronous_commit ' || current_setting('synchronous_commit') as version`,
    );
    return rows[0]!.version;
  }

  async stop(): Promise<void> {
    await this.admin.end();
    await this.stopServer();
    await this.directory.remove();
  }
}

/** Runs one statement on a database. */
export async function ask<Row extends object>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
