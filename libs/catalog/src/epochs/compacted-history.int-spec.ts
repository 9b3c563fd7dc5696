import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { compactSome } from '../../../../test/support/log/compaction.js';
import { type DisposableDirectory, disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { expectViewIsTable, NEVER_MS, startReadingNode } from '../../../../test/support/nodes/reading-node.js';
import { makePartitionsSmall } from '../../../../test/support/database/small-partitions.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';

const SIZE = 10;

let database: TestDatabase;
let directory: DisposableDirectory;
let client: Client;
let awake: WritingNode;
let count = 0;

const write = (node: WritingNode) =>
  node.submit(registerCommand({ identity: anIdentity({ instanceId: `i-${++count}` }) }));

beforeAll(async () => {
  database = await createTestDatabase();
  await makePartitionsSmall(database.url, SIZE);
  directory = disposableDirectory();
  client = new Client({ connectionString: database.url });
  await client.connect();
  awake = await startWriter(database.url);
});

afterAll(async () => {
  await awake.close();
  await client.end();
  await database.drop();
  await directory.remove();
});

describe('A node that slept for longer than the log is retained', () => {
  it('begins no new epoch for revisions that it knows and the log no longer has: it continues to write, and loads its view again', async () => {
    const sleeper = await startWriter(database.url);
    const known = await write(sleeper);
    const reader = await startReadingNode({ url: database.url, pollMs: NEVER_MS });
    await waitFor('the view is loaded', () => reader.view.revision === known.revision);
    const { epoch } = reader.view.position!;
    while ((await write(awake)).revision < 3 * SIZE);
    await compactSome({ databases: awake.databases, client, exportDir: directory.path, partitions: 100 });
    expect((await assertCatalogInvariants(database.url)).events[0]!.revision).toBeGreaterThan(known.revision + 1);

    const { revision } = await write(sleeper);
    reader.follower.poll();
    await waitFor('the view has come that far', () => reader.view.revision === revision);
    await expectViewIsTable(reader.view, awake.databases);
    expect((await assertCatalogInvariants(database.url)).head.epoch).toBe(epoch);
    await reader.stop();
    await sleeper.close();
  });
});
