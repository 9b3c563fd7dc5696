import { Client } from 'pg';
import { type TestDatabase } from './test-database.js';

/**
 * What the clock of the database is asked by, with its volatility. `current_timestamp` and its like are no functions and
 * cannot be moved; a test sees to it that nothing of ours uses them.
 */
const CLOCKS = {
  clock_timestamp: 'volatile',
  now: 'stable',
  statement_timestamp: 'stable',
  transaction_timestamp: 'stable',
} as const;

/** Functions of the same names that are found before those of PostgreSQL, since the search path says so. */
const INSTALL = `
  create schema moved;
  create table moved.shift (by interval not null);
  insert into moved.shift values ('0');
  ${Object.entries(CLOCKS)
    .map(
      ([name, volatility]) => `
  create function moved.${name}() returns timestamptz language sql ${volatility} as
    'select pg_catalog.${name}() + by from moved.shift';`,
    )
    .join('')}
  grant usage on schema moved to public;
  grant select on moved.shift to public;
  do $$ begin
    execute format('alter database %I set search_path = public, moved, pg_catalog', current_database());
  end $$`;

/**
 * The clock of one test database, which can be put right or wrong at any moment, for all who are connected to it. What
 * PostgreSQL itself waits for goes by the true clock as ever.
 */
export class MovableClock {
  private constructor(private readonly client: Client) {}

  /** Makes the clock of a database movable, for all who connect from now on. */
  static async install({ url }: TestDatabase): Promise<MovableClock> {
    const installer = new Client({ connectionString: url });
    await installer.connect();
    await installer.query(INSTALL);
    await installer.end();
    const client = new Client({ connectionString: url });
    await client.connect();
    return new MovableClock(client);
  }

  /** Puts the clock to so many seconds after the true time; negative: before it. */
  async set(secondsAhead: number): Promise<void> {
    await this.client.query('update moved.shift set by = make_interval(secs => $1)', [secondsAhead]);
  }

  /** What the clock says (ms since 1970). */
  async now(): Promise<number> {
    const { rows } = await this.client.query<{ now: Date }>('select clock_timestamp() as now');
    return rows[0]!.now.getTime();
  }

  /** Runs a statement on the database, by its moved clock. */
  async sql<Row extends object>(statement: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>(statement, [...values])).rows;
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
