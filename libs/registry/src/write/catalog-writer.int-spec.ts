import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog-invariants.js';
import { anIdentity, aSpec, registerCommand } from '../../../../test/support/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/writer.js';

let database: TestDatabase;
let node: WritingNode;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startWriter(database.url);
});

afterAll(async () => {
  await node.close();
  await database.drop();
});

const named = (instanceId: string) => ({ identity: anIdentity({ instanceId }) });

describe('CatalogWriter', () => {
  it('registers an instance, changes it and lets it go, each as one event', async () => {
    const created = await node.submit(registerCommand(named('a')));
    expect(created).toMatchObject({ revision: 1, results: [{ outcome: 'created' }] });
    const again = await node.submit(registerCommand(named('a')));
    expect(again).toMatchObject({ revision: 1, results: [{ outcome: 'unchanged', lifeSign: 'renewal' }] });
    const updated = await node.submit(registerCommand({ ...named('a'), spec: aSpec({ port: 81 }) }));
    expect(updated).toMatchObject({ revision: 2, results: [{ outcome: 'updated' }] });
    const gone = await node.submit({ kind: 'deregister', target: named('a'), whenAbsent: 'reject' });
    expect(gone).toMatchObject({ revision: 3, results: [{ outcome: 'deregistered' }] });
    const { events, instances } = await assertCatalogInvariants(database.url);
    expect(events.map(event => event.action)).toEqual([
      'instance.registered',
      'instance.updated',
      'instance.deregistered',
    ]);
    expect(instances.size).toBe(0);
  });
});
