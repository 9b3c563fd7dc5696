import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { type TestDatabase } from './test-database.js';

/** A role that owns nothing, as the service runs in production; a test takes its privileges away while it runs. */
export interface GrantedRole {
  /** The URL of the database for this role. */
  readonly url: string;
  /** Runs a statement as superuser, with the name of the role in the place of `app`. */
  run(statement: string): Promise<void>;
  /** Removes the role, after the database that its privileges are in. */
  remove(): Promise<void>;
}

const GRANTS = `
  grant usage on schema public to app;
  grant select, insert, update, delete on all tables in schema public to app;
  grant execute on all functions in schema public to app;
  revoke execute on all functions in schema public from public`;

/** Makes a role that may do everything that the service does in a database. */
export async function grantedRole(database: TestDatabase): Promise<GrantedRole> {
  // Roles belong to the whole server.
  const name = `app_${randomUUID().replaceAll('-', '')}`;
  const password = randomUUID();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const run = async (statement: string) => void (await client.query(statement.replaceAll(/\bapp\b/g, name)));
  await run(`create role app login password '${password}'`);
  await run(GRANTS);
  const url = new URL(database.url);
  url.username = name;
  url.password = password;
  return {
    url: url.href,
    run,
    async remove() {
      await client.end();
      await database.drop();
      const admin = new Client({ connectionString: database.adminUrl });
      await admin.connect();
      await admin.query(`drop role ${name}`);
      await admin.end();
    },
  };
}
