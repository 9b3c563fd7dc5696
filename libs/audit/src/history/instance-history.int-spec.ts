import { Databases } from '@coordination/database';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { InstanceNeverKnownError, InvalidCursorError, newId } from '@coordination/kernel';
import * as fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogHeadRepository, type EventOrder, EventSearchRepository, type InstanceRef } from '@coordination/log';
import { someCommand } from '../../../../test/support/laws/arbitraries.js';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { AuditQuery } from '../events/audit-query.service.js';
import { EventPages, type PageAnswer } from '../events/event-pages.js';
import { InstanceHistory, type InstanceVersion } from './instance-history.service.js';

let database: TestDatabase;
let node: WritingNode;
let audit: AuditQuery;
let history: InstanceHistory;

const historyOn = (databases: Databases) => {
  // A small width, so that a search takes many steps.
  audit = new AuditQuery(databases, new EventSearchRepository(7), new CatalogHeadRepository());
  return new InstanceHistory(audit, new EventPages(audit, new Scheduler(), new Metrics(), 0));
};

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startWriter(database.url);
  history = historyOn(node.databases);
});

afterAll(async () => {
  await node.close();
  await database.drop();
});

const itemsOf = ({ body }: PageAnswer) =>
  JSON.parse(String(body)) as { items: InstanceVersion[]; nextCursor: string | null };

async function walk(ref: InstanceRef, order: EventOrder, limit: number): Promise<InstanceVersion[]> {
  const versions: InstanceVersion[] = [];
  let cursor: string | undefined;
  do {
    const page = itemsOf(await history.list({ ...ref, order, limit, cursor }));
    expect(page.items.length).toBeLessThanOrEqual(limit);
    versions.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return versions;
}

describe('The history of an instance', () => {
  it('has every version, and applying the patches in order yields each of them', async () => {
    const requests = fc.array(fc.array(someCommand, { minLength: 1, maxLength: 3 }), {
      minLength: 300,
      maxLength: 300,
    });
    for (const commands of fc.sample(requests, { numRuns: 1, seed: 20261124 })[0]!) {
      await node.submit(...commands).catch(() => undefined);
    }
    for (const id of [newId(), newId(), newId()]) {
      const name = { service: 'lives', instanceId: 'of-many', instanceUuid: id };
      const [born, changed] = [
        { id, zone: 'a' },
        { id, zone: 'b', metadata: { a: [1, { b: null }] } },
      ];
      await appendBatch(node.databases, [
        aDraft({ ...name, after: born }),
        aDraft({ ...name, action: 'instance.updated', before: born, after: changed, version: 2 }),
        aDraft({ ...name, action: 'instance.expired', before: changed, after: null, version: 3 }),
      ]);
    }
    const { items: events } = await audit.list({ filter: {}, order: 'asc', limit: 1_000 });
    const byInstance = Map.groupBy(events, ({ instanceUuid }) => JSON.stringify({ id: instanceUuid }));
    expect(byInstance.size).toBeGreaterThan(5);
    const byName = Map.groupBy(events, ({ namespace, service, instanceId }) =>
      JSON.stringify({ name: { namespace, service, instanceId } }),
    );
    for (const [text, own] of [...byInstance, ...byName]) {
      const ref = JSON.parse(text) as InstanceRef;
      const versions = await walk(ref, 'asc', 3);
      expect(versions.map(({ revision }) => revision)).toEqual(own.map(({ revision }) => revision));
      const document = {};
      for (const [n, { patch, instance, ...about }] of versions.entries()) {
        expect(applyPatch(document, patch).filter(failure => failure !== null)).toEqual([]);
        expect(document).toEqual(own[n]!.after ?? {});
        expect(instance).toEqual(own[n]!.after);
        expect(own[n]).toMatchObject(about);
        expect(patch.length).toBeGreaterThan(0);
      }
      expect(await walk(ref, 'desc', 2)).toEqual(versions.toReversed());
    }
  });

  it('ends with the removal of the instance, and is retained', async () => {
    const id = newId();
    const before = { id, zone: 'eu' };
    await appendBatch(node.databases, [
      aDraft({ instanceUuid: id, after: before }),
      aDraft({ instanceUuid: id, action: 'instance.deregistered', reason: 'over', before, after: null, version: 2 }),
    ]);
    const [last] = itemsOf(await history.list({ id, order: 'desc', limit: 1, cursor: undefined })).items;
    expect(last).toMatchObject({ action: 'instance.deregistered', reason: 'over', instance: null, version: 2 });
    expect(last?.patch.map(({ op }) => op)).toEqual(['remove', 'remove']);
  });

  it.each<[string, InstanceRef]>([
    ['an id', { id: newId() }],
    ['a name', { name: { namespace: 'default', service: 'orders', instanceId: 'nobody' } }],
  ])('of %s that never existed is refused', async (_what, ref) => {
    const never = history.list({ ...ref, order: 'asc', limit: 10, cursor: undefined });
    await expect(never).rejects.toThrow(InstanceNeverKnownError);
  });

  it('refuses a cursor of another instance or order', async () => {
    const id = newId();
    await appendBatch(
      node.databases,
      [1, 2].map(version => aDraft({ instanceUuid: id, version })),
    );
    const { nextCursor } = await history.list({ id, order: 'asc', limit: 1, cursor: undefined });
    const cursor = nextCursor!;
    expect((await history.list({ id, order: 'asc', limit: 1, cursor })).nextCursor).toBeNull();
    await expect(history.list({ id, order: 'desc', limit: 1, cursor })).rejects.toThrow(InvalidCursorError);
    await expect(history.list({ id: newId(), order: 'asc', limit: 1, cursor })).rejects.toThrow(InvalidCursorError);
  });
});
