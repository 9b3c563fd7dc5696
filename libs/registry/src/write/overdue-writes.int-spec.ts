import { StoreUnavailableError } from '@coordination/kernel';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';

const WRITES = 30;

let database: TestDatabase;
let node: WritingNode;
let holder: Client;

beforeEach(async () => {
  database = await createTestDatabase();
  node = await startWriter(database.url, { headHoldLimitMs: 100, maxBatchChanges: 1 });
  holder = new Client({ connectionString: database.url });
  await holder.connect();
});

afterEach(async () => {
  await holder.end();
  await node.close();
  await database.drop();
});

const register = (n: number) => node.submit(registerCommand({ identity: anIdentity({ instanceId: `i-${n}` }) }));

it('A queue that the database keeps waiting is told so as a whole, and not batch after batch', async () => {
  await holder.query('begin');
  await holder.query('select from catalog_head for update');
  const told = await Promise.allSettled(Array.from({ length: WRITES }, (_, n) => register(n)));
  expect(told.map(result => (result.status === 'rejected' ? result.reason : result.value))).toEqual(
    Array.from({ length: WRITES }, () => expect.any(StoreUnavailableError)),
  );
  expect(node.batches.length, 'batches that were tried').toBeLessThan(WRITES);
  await holder.query('rollback');
  // A busy machine may need longer for a write than this writer waits.
  await eventually(() => expect(register(WRITES)).resolves.toMatchObject({ revision: 1 }));
});
