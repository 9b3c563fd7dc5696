import { Client } from 'pg';
import { type LogEvent } from '@coordination/log';
import { type Clock } from '@coordination/kernel';
import { Api, type LeasedView, type Problem } from '../http/api.js';
import { type Application, startApplication } from '../nodes/application.js';
import { createTestDatabase, type TestDatabase } from '../database/test-database.js';
import { waitFor } from '../time/wait-for.js';

/** One node of the service in this process, with a client for it. */
export interface CatalogNode extends Application {
  readonly api: Api;
}

/** A database of its own with one or more nodes on it. */
export interface CatalogService {
  readonly database: TestDatabase;
  readonly nodes: readonly CatalogNode[];
  /** The first node's client. */
  readonly api: Api;
  /** Runs a statement on the database, past the service. */
  sql<T extends object>(statement: string, values?: readonly unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

/** Starts nodes on a new database, and waits until all of them have loaded the catalog. */
export async function startCatalog(
  options: { readonly nodes?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CatalogService> {
  const database = await createTestDatabase();
  const nodes: CatalogNode[] = [];
  for (let n = 0; n < (options.nodes ?? 1); n++) nodes.push(await startNode(database.url, options.env));
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    database,
    nodes,
    api: nodes[0]!.api,
    sql: async <T extends object>(statement: string, values: readonly unknown[] = []) =>
      (await client.query<T>(statement, [...values])).rows,
    async close() {
      for (const node of nodes) await node.close();
      await client.end();
      await database.drop();
    },
  };
}

/**
 * A machine that is busy with other tests, or stops for seconds, may need longer for a renewal, and for a transaction, than the
 * defaults allow, and would refuse.
 */
const PATIENT = { PCS_LEASE_FLUSH_BOUND_MS: '5000', PCS_HEAD_HOLD_LIMIT_MS: '20000' };

/** Starts one more node on a database, and waits until it has loaded the catalog. */
export async function startNode(
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
  clock?: Clock,
): Promise<CatalogNode> {
  const application = await startApplication({ databaseUrl, env: { ...PATIENT, ...env }, ...(clock && { clock }) });
  const api = new Api(application.url);
  await waitFor('the catalog is loaded', async () => (await api.get('/api/v1/discovery/namespaces')).status === 200);
  return { ...application, api };
}

/** The events of the log that a query selects, oldest first. */
export async function eventsOf(api: Api, query: string): Promise<LogEvent[]> {
  const { items } = await api.ok<{ items: LogEvent[] }>('GET', `/api/v1/audit/events?order=asc&limit=1000&${query}`);
  return items;
}

/** The revision at which the log stands. */
export async function headOf(api: Api): Promise<number> {
  return (await api.ok<{ revision: number }>('GET', '/api/v1/audit/head')).revision;
}

/** What discovery on a node says of a service, whatever the status of its instances. */
export async function discover(
  api: Api,
  service = 'orders',
  namespace = 'default',
): Promise<{ readonly revision: number; readonly instances: readonly LeasedView[] }> {
  const path = `/api/v1/discovery/services/${service}/instances?status=any&namespace=${namespace}`;
  return await api.ok('GET', path);
}

/** A problem without what differs from request to request. */
export const brief = ({ status, code, errors }: Problem) => ({
  status,
  code,
  ...(errors && { at: errors.map(error => error.path) }),
});
