import { Databases } from '@coordination/database';
import { newId } from '@coordination/kernel';
import {
  CatalogHeadRepository,
  type EventOrder,
  EventSearchRepository,
  type EventStep,
  LOG_ENTITIES,
  type LogEvent,
} from '@coordination/log';
import { Scheduler } from '@coordination/scheduling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { InstanceHistory, type InstanceVersion } from '../history/instance-history.service.js';
import { AuditQuery } from './audit-query.service.js';

const PAGE_BYTES = 4 * 1024 * 1024;
const LARGE = 150;
/** The statement that finds out whether there is more may read one step beyond the page. */
const STEP = 128;

/** Counts the events that are read. */
class CountingSearch extends EventSearchRepository {
  read = 0;

  override async step(...parameters: Parameters<EventSearchRepository['step']>): Promise<EventStep> {
    const step = await super.step(...parameters);
    this.read += step.events.length;
    return step;
  }
}

const instance = newId();
const stateOf = (n: number, kib: number) => ({ id: instance, version: n, notes: `${n} ${'ä'.repeat(kib * 512)}` });

let database: TestDatabase;
let databases: Databases;
let search: CountingSearch;
let audit: AuditQuery;
let events: LogEvent[];

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: LOG_ENTITIES });
  search = new CountingSearch();
  audit = new AuditQuery(databases, search, new CatalogHeadRepository());
  events = [];
  const append = async (drafts: ReturnType<typeof aDraft>[]) => events.push(...(await appendBatch(databases, drafts)));
  await append(Array.from({ length: 300 }, () => aDraft()));
  for (let n = 0; n < LARGE; n += 30) {
    await append(
      Array.from({ length: 30 }, (_, k) =>
        aDraft({
          action: n + k === 0 ? 'instance.registered' : 'instance.updated',
          instanceUuid: instance,
          version: n + k + 1,
          before: n + k === 0 ? null : stateOf(n + k, 30),
          after: stateOf(n + k + 1, 30),
        }),
      ),
    );
  }
  await append([aDraft({ action: 'instance.updated', after: { notes: 'x'.repeat(PAGE_BYTES + 1) } }), aDraft()]);
});
afterAll(async () => {
  await databases.close();
  await database.drop();
});

const aTurn = () => new Scheduler().begin({ workClass: 'heavy' });

interface TestedPage<Item> {
  readonly items: readonly Item[];
  readonly json: string;
  readonly nextCursor: string | null;
}

/** All pages, each within its bound and with its items as JSON. */
async function walk<Item>(list: (cursor: string | undefined) => Promise<TestedPage<Item>>): Promise<Item[][]> {
  const pages: Item[][] = [];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    search.read = 0;
    const page: TestedPage<Item> = await list(cursor);
    expect(JSON.parse(page.json)).toEqual(page.items);
    expect(page.items.length, 'each page makes progress').toBeGreaterThan(0);
    if (page.items.length > 1) expect(Buffer.byteLength(page.json)).toBeLessThanOrEqual(PAGE_BYTES + 1);
    expect(search.read, 'what is read in vain is bounded').toBeLessThanOrEqual(page.items.length + STEP);
    pages.push([...page.items]);
    cursor = page.nextCursor;
  }
  return pages;
}

describe('A page of large events', () => {
  it.each<EventOrder>(['asc', 'desc'])('ends at 4 MiB, and the next one continues there (%s)', async order => {
    const pages = await walk<LogEvent>(cursor =>
      audit.list({ filter: {}, order, limit: 1_000, cursor }, { turn: aTurn() }),
    );
    expect(pages.flat()).toEqual(order === 'asc' ? events : events.toReversed());
    expect(pages.length).toBeGreaterThan(2);
    const alone = pages.filter(([first]) => Buffer.byteLength(JSON.stringify(first)) > PAGE_BYTES);
    expect(
      alone.map(page => page.length),
      'an event that is larger than a page has its own',
    ).toEqual([1]);
  });

  it('has no more than its limit, with and without a turn', async () => {
    const [one, other] = [
      await audit.list({ filter: {}, order: 'asc', limit: 300 }, { turn: aTurn() }),
      await audit.list({ filter: {}, order: 'asc', limit: 300 }),
    ];
    expect(one.items).toEqual(events.slice(0, 300));
    expect(other).toEqual(one);
  });

  it('which is the last one has no cursor, also if it is full', async () => {
    const filter = { afterRevision: 0, beforeRevision: 129 };
    for (const limit of [128, 129, 200]) {
      const page = await audit.list({ filter, order: 'asc', limit });
      expect(page.items).toHaveLength(128);
      expect(page.nextCursor, `limit ${limit}`).toBeNull();
    }
    expect((await audit.list({ filter, order: 'asc', limit: 127 })).nextCursor).not.toBeNull();
  });
});

describe('A page of the history of a large instance', () => {
  it.each<EventOrder>(['asc', 'desc'])(
    'ends at 4 MiB of versions, and the next one continues there (%s)',
    async order => {
      const history = new InstanceHistory(audit, new Scheduler());
      const pages = await walk<InstanceVersion>(cursor => history.list({ id: instance, order, limit: 100, cursor }));
      const revisions = events.filter(event => event.instanceUuid === instance).map(({ revision }) => revision);
      expect(pages.flat().map(({ revision }) => revision)).toEqual(
        order === 'asc' ? revisions : revisions.toReversed(),
      );
      expect(pages.length).toBeGreaterThan(Math.ceil(revisions.length / 100));
    },
  );
});
