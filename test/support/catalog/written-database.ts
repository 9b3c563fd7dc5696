import { type WriteSettings } from '@coordination/registry/testing';
import { PostgresProxy } from '../database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../database/test-database.js';
import { assertCatalogInvariants } from './catalog-invariants.js';
import { startWriter, type WritingNode } from './writer.js';

/** Settings for tests of how work is divided or ordered: how long it takes on a busy machine must not matter. */
export const PATIENT_WRITES: Partial<WriteSettings> = { headHoldLimitMs: 30_000 };

/** A database with a node that writes to it. */
export interface WrittenDatabase {
  readonly database: TestDatabase;
  readonly node: WritingNode;
  /** Closes the node, asserts the invariants of the catalog, and drops the database. */
  close(): Promise<void>;
}

export async function createWrittenDatabase(settings: Partial<WriteSettings> = {}): Promise<WrittenDatabase> {
  const database = await createTestDatabase();
  const node = await startWriter(database.url, settings);
  return {
    database,
    node,
    async close() {
      await node.close();
      await assertCatalogInvariants(database.url);
      await database.drop();
    },
  };
}

/** A database with two nodes that write to it, one of them through a proxy that can cut its connections. */
export interface DisturbedDatabase {
  readonly database: TestDatabase;
  readonly proxy: PostgresProxy;
  /** Its connections pass the proxy. */
  readonly node: WritingNode;
  /** Another node, whose connections are sound. */
  readonly other: WritingNode;
  /** Replaces the node behind the proxy by one with these settings. */
  restart(settings: Partial<WriteSettings>): Promise<WritingNode>;
  close(): Promise<void>;
}

export async function createDisturbedDatabase(): Promise<DisturbedDatabase> {
  const database = await createTestDatabase();
  const proxy = await PostgresProxy.start(database.url);
  const [first, other] = [await startWriter(proxy.url), await startWriter(database.url)];
  let node = first;
  return {
    database,
    proxy,
    node: first,
    other,
    async restart(settings) {
      await node.close();
      node = await startWriter(proxy.url, settings);
      return node;
    },
    async close() {
      await Promise.all([node.close(), other.close()]);
      await proxy.shut();
      await database.drop();
    },
  };
}
