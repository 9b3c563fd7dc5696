import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from './test-database.js';

/**
 * A database that can be backed up and restored in place, whoever is connected to it: they are cut off, as they are when
 * the files of a server are exchanged. The server stays the same, so nothing but the log itself tells of a restore.
 */
export class BackedUpDatabase {
  private constructor(
    private readonly database: TestDatabase,
    private readonly admin: Client,
  ) {}

  static async create(): Promise<BackedUpDatabase> {
    const database = await createTestDatabase();
    const admin = new Client({ connectionString: database.adminUrl });
    await admin.connect();
    return new BackedUpDatabase(database, admin);
  }

  get url(): string {
    return this.database.url;
  }

  /** Keeps a copy, in place of an earlier one. */
  async backUp(): Promise<void> {
    await this.admin.query(`drop database if exists ${this.backup} with (force)`);
    await this.copy(this.name, this.backup);
  }

  /** Puts the copy in the place of the database. */
  async restore(): Promise<void> {
    await this.closed(this.name, async () => {
      await this.admin.query(`drop database ${this.name} with (force)`);
    });
    await this.copy(this.backup, this.name);
  }

  async drop(): Promise<void> {
    await this.admin.query(`drop database if exists ${this.backup} with (force)`);
    await this.admin.end();
    await this.database.drop();
  }

  private get name(): string {
    return new URL(this.database.url).pathname.slice(1);
  }

  private get backup(): string {
    return `${this.name}_backup`;
  }

  private async copy(from: string, to: string): Promise<void> {
    await this.closed(from, async () => {
      await this.admin.query(`create database ${to} template ${from} strategy file_copy`);
    });
    await this.admin.query(`alter database ${to} allow_connections true`);
  }

  /** Does something with a database to which nobody can connect meanwhile. */
  private async closed(name: string, work: () => Promise<void>): Promise<void> {
    await this.admin.query(`alter database ${name} allow_connections false`);
    await this.admin.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [name]);
    await work();
    const { rowCount } = await this.admin.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 1) await this.admin.query(`alter database ${name} allow_connections true`);
  }
}
