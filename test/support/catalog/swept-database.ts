import { type RoleTerm } from '@coordination/leadership';
import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../database/test-database.js';
import { startSweepingNode, type SweepingNode } from './sweeping-node.js';

/** A database with a node that ends leases, and a connection for statements of the test. */
export interface SweptDatabase {
  readonly database: TestDatabase;
  readonly node: SweepingNode;
  readonly client: Client;
  /** Closes all connections, and drops the database. */
  close(): Promise<void>;
}

export async function createSweptDatabase(): Promise<SweptDatabase> {
  const database = await createTestDatabase();
  const node = await startSweepingNode(database.url);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    database,
    node,
    client,
    async close() {
      await client.end();
      await node.close();
      await database.drop();
    },
  };
}

/** The first term of the node, as if it had begun a day ago: a first claim begins with a grace, as after an outage. */
export async function claimLongAgo({ node, client }: SweptDatabase): Promise<RoleTerm> {
  const term = (await node.claim())!;
  await client.query(`update node_role set back_since = now() - interval '1 day'`);
  return term;
}
