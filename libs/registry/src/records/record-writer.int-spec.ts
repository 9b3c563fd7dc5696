import { query, VersionedRecord, VersionedRepository } from '@coordination/database';
import { newId, StoreUnavailableError, VersionMismatchError } from '@coordination/kernel';
import { defineEntity, type EntityManager, OptimisticLockError, p } from '@mikro-orm/postgresql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, anOrigin, registerCommand } from '../../../../test/support/catalog/factories.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { type RecordChange, RecordWriter } from './record-writer.js';

/** An example of a record: one that only this test has. */
const SavedQuerySchema = defineEntity({
  name: 'SavedQuery',
  tableName: 'saved_query',
  extends: VersionedRecord,
  properties: { name: p.text(), filter: p.text() },
  uniques: [{ name: 'saved_query_name_key', properties: ['name'] }],
});
class SavedQuery extends SavedQuerySchema.class {}
SavedQuerySchema.setClass(SavedQuery);

const TABLE = `
  create table saved_query (
    id uuid primary key, version int not null default 1, name text not null, filter text not null,
    constraint saved_query_name_key unique (name))`;

const queries = new VersionedRepository<SavedQuery>(SavedQuery, 'The saved query');

let database: TestDatabase;
let proxy: PostgresProxy;
/** Its connections are sound. */
let node: WritingNode;
/** Another node, whose connections can be cut. */
let other: WritingNode;

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startWriter(database.url, {}, [SavedQuery]);
  other = await startWriter(proxy.url, {}, [SavedQuery]);
  await query(node.databases.em('reads'), TABLE);
});

afterEach(async () => {
  await Promise.all([node.close(), other.close()]);
  await proxy.shut();
  await database.drop();
});

const change = (of: WritingNode, what: RecordChange) => new RecordWriter(of.writer).change(anOrigin(), what);

/** The actions of the log do not know saved queries; any will do. */
const CREATED = 'token.created' as const;
const CHANGED = 'token.revoked' as const;

async function create(name: string, of = node): Promise<string> {
  const id = newId();
  const fields = { name, filter: 'status == "healthy"' };
  await change(of, {
    action: CREATED,
    before: null,
    after: fields,
    apply: async em => void em.persist(em.create(SavedQuery, { id, version: 1, ...fields })),
  });
  return id;
}

/** Sets the filter of a query that was seen with a version. */
const setFilter = (
  of: WritingNode,
  seen: { readonly id: string; readonly version: number },
  filter: string,
  beforeFlush: (em: EntityManager) => Promise<unknown> = () => Promise.resolve(),
) =>
  change(of, {
    action: CHANGED,
    before: { version: seen.version },
    after: { filter },
    apply: async em => {
      const found = await queries.findVersion(em, seen.id, seen.version);
      found!.filter = filter;
      await beforeFlush(em);
    },
  });

const stored = async (): Promise<Pick<SavedQuery, 'name' | 'version' | 'filter'>[]> =>
  await query(node.databases.em('reads'), 'select name, version, filter from saved_query order by name');

/** What the log says in `after`, once everything in it is sound. */
const logged = async (): Promise<unknown[]> =>
  (await assertCatalogInvariants(database.url)).events.map(({ after }) => after);

describe('A change of a record', () => {
  it('is written with its event: created, changed and removed', async () => {
    const id = await create('a');
    expect(await stored()).toEqual([{ name: 'a', version: 1, filter: 'status == "healthy"' }]);
    const { revision } = await setFilter(node, { id, version: 1 }, 'zone == "eu"');
    expect(await stored()).toEqual([{ name: 'a', version: 2, filter: 'zone == "eu"' }]);
    await change(node, {
      action: CHANGED,
      before: { version: 2 },
      after: null,
      apply: async em => void em.remove((await queries.findVersion(em, id, 2))!),
    });
    expect(await stored()).toEqual([]);
    const { events, head } = await assertCatalogInvariants(database.url);
    expect(events.map(event => [event.revision, event.action, event.after])).toEqual([
      [revision - 1, CREATED, { name: 'a', filter: 'status == "healthy"' }],
      [revision, CHANGED, { filter: 'zone == "eu"' }],
      [head.revision, CHANGED, null],
    ]);
    expect(await queries.find(node.databases.em('reads'), id)).toBeUndefined();
  });

  it('is refused when somebody else was faster: of two nodes one wins, and the other is told the version', async () => {
    const id = await create('a');
    const seen = { id, version: 1 };
    const outcomes = await Promise.allSettled([setFilter(node, seen, 'node'), setFilter(other, seen, 'other')]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const loser = outcomes.find(outcome => outcome.status === 'rejected');
    expect(loser!.reason).toBeInstanceOf(VersionMismatchError);
    expect(loser!.reason).toMatchObject({ extras: { currentVersion: 2 } });
    expect(String(loser!.reason)).toContain(`The saved query ${id} has version 2 now.`);
    const winner = outcomes[0].status === 'fulfilled' ? 'node' : 'other';
    expect(await stored()).toEqual([{ name: 'a', version: 2, filter: winner }]);
    expect(await logged()).toEqual([expect.anything(), { filter: winner }]);
  });

  it('leaves neither record nor event when the database refuses it, and fails no other request', async () => {
    await create('a');
    const [again, registered] = await Promise.allSettled([
      create('a'),
      node.submit(registerCommand({ identity: anIdentity() })),
    ]);
    expect(again).toMatchObject({ status: 'rejected', reason: { code: 'VALIDATION_FAILED' } });
    expect(registered.status).toBe('fulfilled');
    expect(await stored()).toHaveLength(1);
    expect(await logged()).toHaveLength(2);
  });

  it('leaves neither when the row was changed past the log', async () => {
    const id = await create('a');
    const beforeFlush = (em: EntityManager) => query(em, 'update saved_query set version = 7 where id = $1', [id]);
    await expect(setFilter(node, { id, version: 1 }, 'lost', beforeFlush)).rejects.toThrow(OptimisticLockError);
    expect(await stored()).toEqual([{ name: 'a', version: 1, filter: 'status == "healthy"' }]);
    expect(await logged()).toHaveLength(1);
  });

  it.each([
    ['after the event, before the record is read', /from "saved_query"/, 'before'],
    ['after the event, before the record is written', /update "saved_query"/, 'before'],
    ['after both, before the commit', /^commit$/i, 'before'],
  ] as const)('leaves neither when the database goes %s', async (_, statement, when) => {
    const id = await create('a');
    const trap = proxy.intercept(statement, when);
    const answer = setFilter(other, { id, version: 1 }, 'lost');
    void trap.reached.then(() => trap.cut());
    await expect(answer).rejects.toThrow(StoreUnavailableError);
    expect(await stored()).toEqual([{ name: 'a', version: 1, filter: 'status == "healthy"' }]);
    expect(await logged()).toHaveLength(1);
    await setFilter(other, { id, version: 1 }, 'again');
    expect(await logged()).toHaveLength(2);
  });

  it('is found where it was committed, and only the answer got lost', async () => {
    const id = await create('a');
    const trap = proxy.intercept(/^commit$/i, 'after');
    const answer = setFilter(other, { id, version: 1 }, 'kept');
    await trap.reached;
    trap.cut();
    const { revision } = await answer;
    expect(await stored()).toMatchObject([{ version: 2, filter: 'kept' }]);
    const { head } = await assertCatalogInvariants(database.url);
    expect(head.revision).toBe(revision);
  });
});
