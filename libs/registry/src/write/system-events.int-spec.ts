import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, anOrigin, registerCommand } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { type SystemEvent } from '../requests/write-request.js';

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

const ORDER = `
  insert into liveness_order (namespace, service, kind, ordered_at, until, ordered_by)
  values ('*', $1, $2, now(), now(), 'ada')`;

/** A system event that writes an order for a service of the name, of a kind that the database may refuse. */
const systemEvent = (service: string, kind = 'end'): SystemEvent => ({
  action: 'liveness.guard_ended',
  before: null,
  after: { service },
  write: async (em: EntityManager) => void (await query(em, ORDER, [service, kind])),
});

const ordered = async (): Promise<string[]> => {
  const rows = await query<{ service: string }>(node.databases.em('reads'), 'select service from liveness_order');
  return rows.map(({ service }) => service).toSorted();
};

const submit = (instanceId: string, what: SystemEvent) =>
  node.writer.submit({
    commands: [registerCommand({ identity: anIdentity({ instanceId }) })],
    origin: anOrigin(),
    systemEvent: what,
  });

describe('What goes with a system event', () => {
  it('is written with its event, or not at all, whatever becomes of its neighbours', async () => {
    const outcomes = await Promise.allSettled([
      submit('a', systemEvent('a')),
      submit('b', systemEvent('b', 'nonsense')),
      submit('c', systemEvent('c')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await ordered()).toEqual(['a', 'c']);
    const { events, instances } = await assertCatalogInvariants(database.url);
    expect(events.filter(({ action }) => action === 'liveness.guard_ended').map(({ after }) => after)).toEqual([
      { service: 'a' },
      { service: 'c' },
    ]);
    expect([...instances.values()].map(({ instanceId }) => instanceId).toSorted()).toEqual(['a', 'c']);
  });

  it('needs no command', async () => {
    const { revision, results } = await node.writer.submit({
      commands: [],
      origin: anOrigin({ reason: 'why' }),
      systemEvent: systemEvent('alone'),
    });
    expect(results).toEqual([]);
    const { head, events } = await assertCatalogInvariants(database.url);
    expect(head.revision).toBe(revision);
    expect(events.at(-1)).toMatchObject({ action: 'liveness.guard_ended', reason: 'why', instanceUuid: null });
  });
});
