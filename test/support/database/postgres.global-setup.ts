import { Client } from 'pg';
import { type TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '@coordination/embedded-postgres';
import { disposableDirectory } from '../disposable-directory.js';
import { MAX_CONNECTIONS } from '../run/workers.js';
import { migrate } from './schema.js';

/** What the tests know about the server of the run. */
export interface TestServer {
  /** URL of the database `postgres`, as superuser. */
  readonly adminUrl: string;
  /** Name of the migrated database that every test's own is cloned from. */
  readonly template: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer;
  }
}

const TEMPLATE = 'coordination_template';

interface Shared {
  users: number;
  readonly server: Promise<TestServer & { readonly stop: () => Promise<void> }>;
}

/** The int and the e2e project run this file each in a module graph of its own; they share one server through this. */
const shelf = globalThis as { coordinationTestServer?: Shared };

/** Vitest calls this once per project: one server for the run, one migrated template, both gone at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (shelf.coordinationTestServer ??= { users: 0, server: start() });
  shared.users += 1;
  const { adminUrl, template, stop } = await shared.server;
  project.provide('testServer', { adminUrl, template });
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    delete shelf.coordinationTestServer;
    await stop();
  };
}

async function start() {
  const directory = disposableDirectory();
  try {
    const server = await startEmbeddedPostgres({
      dataDir: `${directory.path}/postgres`,
      log: () => {},
      // Nothing here outlives the run, so nothing needs to be durable.
      parameters: {
        fsync: 'off',
        full_page_writes: 'off',
        synchronous_commit: 'off',
        max_connections: String(MAX_CONNECTIONS),
      },
    });
    const adminUrl = withDatabase(server.url, 'postgres');
    await createTemplate(adminUrl);
    const stop = async () => {
      await server.stop();
      await directory.remove();
    };
    return { adminUrl, template: TEMPLATE, stop };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

async function createTemplate(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${TEMPLATE}`);
  } finally {
    await client.end();
  }
  await migrate(withDatabase(adminUrl, TEMPLATE));
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
