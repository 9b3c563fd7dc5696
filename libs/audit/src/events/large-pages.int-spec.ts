import { Databases } from '@coordination/database';
import { lengthOf, SharedBody } from '@coordination/http';
import { newId } from '@coordination/kernel';
import {
  CatalogHeadRepository,
  type EventOrder,
  EventSearchRepository,
  type EventStep,
  LOG_ENTITIES,
  type LogEvent,
} from '@coordination/log';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { aDraft, appendBatch } from '../../../../test/support/log/audit-log.js';
import { InstanceHistory, type InstanceVersion } from '../history/instance-history.service.js';
import { AuditQuery } from './audit-query.service.js';
import { EventPages, EVENTS_AS_JSON, type PageAnswer } from './event-pages.js';

const PAGE_BYTES = 4 * 1024 * 1024;
const LARGE = 150;
/** Brackets, the names of the members, and the cursor. */
const BESIDE_ITEMS = 500;
/** A piece is complete with the event by which it has 64 KiB. */
const PIECE_BYTES = 200 * 1024;
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
let responses: EventPages;
let events: LogEvent[];

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 2, entities: LOG_ENTITIES });
  search = new CountingSearch();
  audit = new AuditQuery(databases, search, new CatalogHeadRepository());
  responses = new EventPages(audit, new Scheduler(), new Metrics(), 0);
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

interface ParsedPage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

const parsed = <Item>({ body }: PageAnswer) => JSON.parse(String(body)) as ParsedPage<Item>;

/** All pages, each within its bound and with its items as JSON. */
async function walk<Item>(list: (cursor: string | undefined) => Promise<PageAnswer>): Promise<Item[][]> {
  const pages: Item[][] = [];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    search.read = 0;
    const answer = await list(cursor);
    const page = parsed<Item>(answer);
    expect([answer.size, answer.nextCursor]).toEqual([page.items.length, page.nextCursor]);
    expect(page.items.length, 'each page makes progress').toBeGreaterThan(0);
    if (page.items.length > 1) expect(lengthOf(answer.body)).toBeLessThanOrEqual(PAGE_BYTES + BESIDE_ITEMS);
    // No piece needs a turn of the loop of its own: the largest event alone may exceed it.
    if (page.items.length > 1 && answer.body instanceof SharedBody) {
      expect(Math.max(...answer.body.pieces.map(({ byteLength }) => byteLength))).toBeLessThan(PIECE_BYTES);
    }
    expect(search.read, 'what is read in vain is bounded').toBeLessThanOrEqual(page.items.length + STEP);
    pages.push([...page.items]);
    cursor = page.nextCursor;
  }
  return pages;
}

describe('A page of large events', () => {
  it.each<EventOrder>(['asc', 'desc'])('ends at 4 MiB, and the next one continues there (%s)', async order => {
    const pages = await walk<LogEvent>(cursor =>
      responses.find({ filter: {}, order, limit: 1_000, cursor }, EVENTS_AS_JSON),
    );
    expect(pages.flat()).toEqual(order === 'asc' ? events : events.toReversed());
    expect(pages.length).toBeGreaterThan(2);
    const alone = pages.filter(([first]) => Buffer.byteLength(JSON.stringify(first)) > PAGE_BYTES);
    expect(
      alone.map(page => page.length),
      'an event that is larger than a page has its own',
    ).toEqual([1]);
  });

  it('has no more than its limit, as a response and as objects', async () => {
    const query = { filter: {}, order: 'asc', limit: 300 } as const;
    const [one, other] = [parsed<LogEvent>(await responses.find(query, EVENTS_AS_JSON)), await audit.list(query)];
    expect(one.items).toEqual(events.slice(0, 300));
    expect(other).toMatchObject(one);
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
      const history = new InstanceHistory(audit, responses);
      const pages = await walk<InstanceVersion>(cursor => history.list({ id: instance, order, limit: 100, cursor }));
      const revisions = events.filter(event => event.instanceUuid === instance).map(({ revision }) => revision);
      expect(pages.flat().map(({ revision }) => revision)).toEqual(
        order === 'asc' ? revisions : revisions.toReversed(),
      );
      expect(pages.length).toBeGreaterThan(Math.ceil(revisions.length / 100));
    },
  );
});
