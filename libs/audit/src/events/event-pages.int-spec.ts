import { Databases } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { CatalogHeadRepository, EventSearchRepository, type EventStep, LOG_ENTITIES } from '@coordination/log';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { InstanceHistory, type InstanceVersion } from '../history/instance-history.service.js';
import { AuditQuery } from './audit-query.service.js';
import { EventPages, EVENTS_AS_JSON, type PageAnswer } from './event-pages.js';

/** Counts the statements that read events. */
class CountingSearch extends EventSearchRepository {
  steps = 0;

  override async step(...parameters: Parameters<EventSearchRepository['step']>): Promise<EventStep> {
    this.steps += 1;
    return await super.step(...parameters);
  }
}

let database: TestDatabase;
let databases: Databases;
let search: CountingSearch;
let pages: EventPages;
let history: InstanceHistory;

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 4, entities: LOG_ENTITIES });
});
afterAll(async () => {
  await databases.close();
  await database.drop();
});
beforeEach(() => {
  search = new CountingSearch();
  const audit = new AuditQuery(databases, search, new CatalogHeadRepository());
  pages = new EventPages(audit, new Scheduler(), new Metrics(), 10_000_000);
  history = new InstanceHistory(audit, pages);
});

const revisionsOf = ({ body }: PageAnswer) =>
  (JSON.parse(String(body)) as { items: InstanceVersion[] }).items.map(({ revision }) => revision);

const wholeOf = (id: string) => history.list({ id, order: 'desc', limit: 100, cursor: undefined });

describe('Equal questions for the history of an instance', () => {
  it('read its events once, as long as the instance does not change, whatever else is written', async () => {
    const id = newId();
    const [first] = await appendBatch(databases, [aDraft({ instanceUuid: id })]);
    await wholeOf(id);
    expect(search.steps).toBe(1);
    await appendBatch(databases, [aDraft(), aDraft()]);
    const found = await Promise.all(Array.from({ length: 20 }, () => wholeOf(id)));
    expect(search.steps).toBe(1);
    for (const page of found) {
      expect(revisionsOf(page)).toEqual([first!.revision]);
      expect(page.head.revision, 'the head is that of the request').toBe(first!.revision + 2);
    }
  });

  it('show a change that was written before they were asked', async () => {
    const [id, other] = [newId(), newId()];
    const name = { namespace: 'default', service: 'named', instanceId: 'a' };
    const byName = () => history.list({ name, order: 'asc', limit: 100, cursor: undefined });
    const written: number[] = [];
    for (const instanceUuid of [id, id, other]) {
      const drafts = [aDraft({ ...name, instanceUuid })];
      written.push((await appendBatch(databases, drafts))[0]!.revision);
      expect(revisionsOf(await byName())).toEqual(written);
      if (instanceUuid === id) expect(revisionsOf(await wholeOf(id))).toEqual(written.toReversed());
    }
  });

  it('are not those for other orders, pages and instances', async () => {
    const [id, other] = [newId(), newId()];
    const batch = [id, id, id, other].map(instanceUuid => aDraft({ instanceUuid }));
    const [a, b, c, d] = (await appendBatch(databases, batch)).map(({ revision }) => revision);
    const ask = async (order: 'asc' | 'desc', limit: number, of = id) =>
      revisionsOf(await history.list({ id: of, order, limit, cursor: undefined }));
    for (let n = 0; n < 2; n++) {
      expect(await ask('asc', 100)).toEqual([a, b, c]);
      expect(await ask('desc', 100)).toEqual([c, b, a]);
      expect(await ask('asc', 2)).toEqual([a, b]);
      expect(await ask('asc', 100, other)).toEqual([d]);
    }
  });
});

describe('Equal questions for events', () => {
  it('read them once at one head, and again after the next event', async () => {
    const service = newId();
    const ask = () => pages.find({ filter: { service }, order: 'desc', limit: 100 }, EVENTS_AS_JSON);
    await appendBatch(databases, [aDraft({ service })]);
    await ask();
    const { steps } = search;
    const found = await Promise.all(Array.from({ length: 20 }, ask));
    expect(search.steps).toBe(steps);
    const [{ revision } = { revision: 0 }] = await appendBatch(databases, [aDraft({ service })]);
    expect(revisionsOf(found[0]!)).toEqual([revision - 1]);
    expect(revisionsOf(await ask())).toEqual([revision, revision - 1]);
  });

  it('are not affected by later events, if the page is full without them', async () => {
    const drafts = Array.from({ length: 4 }, () => aDraft());
    const [first, , third] = (await appendBatch(databases, drafts)).map(({ revision }) => revision);
    const ask = (limit: number) =>
      pages.find({ filter: { fromRevision: first! }, order: 'asc', limit }, EVENTS_AS_JSON);
    for (const limit of [2, 3, 4, 5]) expect(revisionsOf(await ask(limit))).toHaveLength(Math.min(limit, 4));
    const { steps } = search;
    await appendBatch(databases, [aDraft()]);
    expect(revisionsOf(await ask(3))).toEqual([first, first! + 1, third]);
    expect(search.steps, 'nothing is read').toBe(steps);
    expect((await ask(4)).nextCursor, 'there is a next page now').not.toBeNull();
    expect(revisionsOf(await ask(5))).toHaveLength(5);
  });
});
