import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { CALL_SOURCES } from '@coordination/context';
import { Scheduler } from '@coordination/scheduling';
import { Databases } from '@coordination/database';
import {
  canonicalJson,
  InvalidCursorError,
  newId,
  RevisionUnknownError,
  StoreUnavailableError,
} from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIT_ACTIONS,
  CatalogHeadRepository,
  queryDigest,
  type EventDraft,
  type EventFilter,
  type EventOrder,
  EventSearchRepository,
  LOG_ENTITIES,
  LogCutRepository,
  type LogEvent,
} from '@coordination/log';
import { EPOCH_JUMP, hashEvent } from '@coordination/log/testing';
import { aDraft, appendBatch, beginEpoch } from '../../../../test/support/log/audit-log.js';
import { HeadsOnStandby } from '../../../../test/support/database/standby.js';
import { ADDRESSES, POISON, RANGES, selects, someReason } from '../../../../test/support/log/naive-events.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { AuditQuery } from './audit-query.service.js';
import { EventExporter } from './event-export.service.js';

const EVENTS = 300;

let database: TestDatabase;
let databases: Databases;
let events: LogEvent[];
const uuids = [newId(), newId(), newId()];

const someDraft: fc.Arbitrary<EventDraft> = fc
  .record({
    action: fc.constantFrom(...AUDIT_ACTIONS.slice(0, 5)),
    namespace: fc.constantFrom('default', 'shop', null),
    service: fc.constantFrom('orders', 'billing', 'search', null),
    instanceId: fc.constantFrom('a', 'A', 'b_1', 'b-1', null),
    clientAddress: fc.constantFrom(...ADDRESSES, null),
    reason: someReason,
    instanceUuid: fc.constantFrom(...uuids, null),
    actor: fc.constantFrom('anonymous', 'system', 'operator'),
    source: fc.constantFrom(...CALL_SOURCES),
    requestId: fc.constantFrom('one', 'two', null),
  })
  .map(aDraft);

beforeAll(async () => {
  database = await createTestDatabase();
  databases = await Databases.open({ url: database.url, ssl: 'off', poolMax: 5, entities: LOG_ENTITIES });
  const drafts = fc.sample(someDraft, EVENTS);
  events = [];
  // Many transactions, so that the events have many different times.
  for (let start = 0; start < EVENTS; start += 10) {
    events.push(...(await appendBatch(databases, drafts.slice(start, start + 10))));
  }
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

const auditQuery = (window?: number) =>
  new AuditQuery(databases, new EventSearchRepository(window), new CatalogHeadRepository());

function select(filter: EventFilter, order: EventOrder): LogEvent[] {
  const found = events.filter(event => selects(filter, event));
  return order === 'asc' ? found : found.toReversed();
}

const shifted = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();

/** Times at, just before and just after those of events. */
const someTime = fc.tuple(fc.nat({ max: EVENTS - 1 }), fc.constantFrom(-1, 0, 1)).map(
  ([index, ms]) =>
    () =>
      shifted(events[index]!.at, ms),
);

const someRevision = fc.integer({ min: 0, max: EVENTS + 2 });

const someBatch = fc.nat({ max: EVENTS - 1 }).map(index => () => events[index]!.batchId);

const conditions = {
  namespace: fc.constantFrom('default', 'shop', 'nowhere'),
  service: fc.constantFrom('orders', 'billing'),
  instanceId: fc.constantFrom('a', 'A', 'b_1', '%', '_'),
  instance: fc.constantFrom(...uuids),
  action: fc.subarray(AUDIT_ACTIONS.slice(0, 6), { minLength: 1 }),
  actor: fc.constantFrom('anonymous', 'operator'),
  source: fc.constantFrom(...CALL_SOURCES),
  requestId: fc.constantFrom('one', 'two'),
  clientAddress: fc.constantFrom(...Object.keys(RANGES)),
  reason: fc.constantFrom(...POISON, 'a', 'K 7', 'ss', 'ß'),
  fromRevision: someRevision,
  toRevision: someRevision,
  afterRevision: someRevision,
  beforeRevision: someRevision,
};

/** An export refuses a lower bound above the head. */
function isBeyondHead({ afterRevision = 0, fromRevision = 0 }: EventFilter): boolean {
  const head = events.at(-1)!.revision;
  return afterRevision > head || fromRevision > head + 1;
}

/** Conditions whose values are taken from the events. */
const derived = { batchId: someBatch, from: someTime, to: someTime, after: someTime, before: someTime };

const toFilter = (entries: object): EventFilter =>
  Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [
      name,
      typeof value === 'function' ? (value as () => string)() : value,
    ]),
  );

/** Either many conditions, which few events match, or one or two, which many events match. */
const someFilter: fc.Arbitrary<() => EventFilter> = fc
  .oneof(
    fc.record({ ...conditions, ...derived }, { requiredKeys: [] }),
    fc
      .subarray(Object.keys({ ...conditions, ...derived }) as (keyof typeof conditions | keyof typeof derived)[], {
        minLength: 1,
        maxLength: 2,
      })
      .chain(names => fc.record(Object.fromEntries(names.map(name => [name, { ...conditions, ...derived }[name]])))),
  )
  .map(entries => () => toFilter(entries));

const someOrder = fc.constantFrom('asc' as const, 'desc' as const);

describe('A list of events', () => {
  it('has all events that a filter selects, in order, for any page size and any search width', async () => {
    await fc.assert(
      fc.asyncProperty(
        someFilter,
        someOrder,
        fc.integer({ min: 1, max: 120 }),
        fc.constantFrom(undefined, 7, 50),
        async (filterOf, order, limit, window) => {
          const filter = filterOf();
          const walked: LogEvent[] = [];
          let cursor: string | null | undefined;
          do {
            const page = await auditQuery(window).list({ filter, order, limit, ...(cursor && { cursor }) });
            expect(page.items.length).toBeLessThanOrEqual(limit);
            expect(page.head.revision).toBe(EVENTS);
            walked.push(...page.items);
            cursor = page.nextCursor;
          } while (cursor !== null);
          expect(walked).toEqual(select(filter, order));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('has the same events as an export', async () => {
    await fc.assert(
      fc.asyncProperty(someFilter, someOrder, fc.constantFrom(3, 50), async (filterOf, order, window) => {
        const filter = filterOf();
        const search = new EventSearchRepository(window);
        const exporter = new EventExporter(
          databases,
          search,
          new CatalogHeadRepository(),
          new LogCutRepository(),
          window,
        );
        if (isBeyondHead(filter)) {
          await expect(
            exporter.begin(filter, order, 'ndjson', new Scheduler().begin({ workClass: 'long' })),
          ).rejects.toThrow(RevisionUnknownError);
          return;
        }
        const { stream } = await exporter.begin(filter, order, 'ndjson', new Scheduler().begin({ workClass: 'long' }));
        const lines = (await stream.toArray()).join('').split('\n').slice(0, -1);
        expect(lines.map(line => JSON.parse(line) as unknown)).toEqual(select(filter, order));
      }),
      { numRuns: 100 },
    );
  });

  it('accepts its cursor only with the same filter', async () => {
    const filter: EventFilter = { action: ['instance.registered', 'instance.updated'], reason: '%', fromRevision: 1 };
    const { nextCursor } = await auditQuery().list({ filter, order: 'asc', limit: 1 });
    const nextPage = (other: EventFilter) =>
      auditQuery().list({ filter: other, order: 'asc', limit: 1, cursor: nextCursor! });
    await expect(nextPage(filter)).resolves.toBeDefined();
    const others: EventFilter[] = [
      { ...filter, action: ['instance.registered'] },
      { ...filter, reason: '_' },
      { ...filter, clientAddress: '10.0.0.0/8' },
      { ...filter, batchId: events[0]!.batchId },
      { ...filter, instanceId: 'a' },
      { ...filter, fromRevision: 2 },
      { ...filter, after: events[0]!.at },
    ];
    for (const other of others)
      await expect(nextPage(other), JSON.stringify(other)).rejects.toThrow(InvalidCursorError);
  });

  it('accepts cursors of versions that allowed only one action', async () => {
    const before = { filter: { action: 'instance.registered' } as unknown as EventFilter, order: 'asc' as const };
    const digest = createHash('sha256').update(canonicalJson(before)).digest('base64url').slice(0, 16);
    expect(queryDigest({ action: ['instance.registered'] }, 'asc')).toBe(digest);
  });

  it('ends a page at its time limit, and continues there', async () => {
    const hasty = new AuditQuery(
      databases,
      new EventSearchRepository(2),
      new CatalogHeadRepository(),
      new LogCutRepository(),
      0,
    );
    const filter = { afterRevision: 289, namespace: 'nowhere' };
    let pages = 0;
    for (let cursor: string | null | undefined; cursor !== null; pages++) {
      const page = await hasty.list({ filter, order: 'desc', limit: 10, ...(cursor && { cursor }) });
      expect(page.items).toEqual([]);
      cursor = page.nextCursor;
    }
    // Each page searches one window of two revisions.
    expect(pages).toBe(6);
  });

  it('searches a bounded part of the log for one page, and continues there', async () => {
    // A page searches 50 windows of 2 revisions; the span is longer.
    const filter = { beforeRevision: 251, afterRevision: 99, namespace: 'nowhere' };
    const first = await auditQuery(2).list({ filter, order: 'desc', limit: 10 });
    expect(first.items).toEqual([]);
    expect(first.nextCursor).not.toBeNull();
    const second = await auditQuery(2).list({ filter, order: 'desc', limit: 10, cursor: first.nextCursor! });
    expect(second).toMatchObject({ items: [], nextCursor: null });
  });

  it('omits and repeats no event while events are appended', async () => {
    const own = await createTestDatabase();
    const growing = await Databases.open({ url: own.url, ssl: 'off', poolMax: 5, entities: LOG_ENTITIES });
    try {
      const audit = new AuditQuery(growing, new EventSearchRepository(), new CatalogHeadRepository());
      await appendBatch(
        growing,
        Array.from({ length: 30 }, () => aDraft()),
      );
      for (const order of ['asc', 'desc'] as const) {
        const before = (await audit.head()).revision;
        const revisions: number[] = [];
        let cursor: string | null | undefined;
        do {
          const page = await audit.list({ filter: {}, order, limit: 7, ...(cursor && { cursor }) });
          revisions.push(...page.items.map(event => event.revision));
          cursor = page.nextCursor;
          if (revisions.length < 25) await appendBatch(growing, [aDraft()]);
        } while (cursor !== null);
        const last = order === 'asc' ? (await audit.head()).revision : before;
        const expected = Array.from({ length: last }, (_, index) => index + 1);
        expect(revisions).toEqual(order === 'asc' ? expected : expected.toReversed());
      }
      // Events before a cursor may have been lost when an epoch began, so the cursor must be refused.
      const { nextCursor } = await audit.list({ filter: {}, order: 'asc', limit: 7 });
      const begun = await beginEpoch(growing);
      await expect(audit.list({ filter: {}, order: 'asc', limit: 7, cursor: nextCursor! })).rejects.toMatchObject({
        code: 'REVISION_UNKNOWN',
        reason: 'ended-epoch',
      });
      const { items } = await audit.list({ filter: {}, order: 'desc', limit: 2 });
      expect(items.map(({ revision }) => revision)).toEqual([begun.revision, begun.revision - EPOCH_JUMP]);
    } finally {
      await growing.close();
      await own.drop();
    }
  });
});

describe('An event read from the database', () => {
  const oddNumber = fc.oneof(
    fc.constantFrom(-0, 1e-7, 5e-324, 1.7976931348623157e308, 0.1, 1e21, 123456789012345680000, 2 ** 53 - 1, -1e-300),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const oddText = fc.oneof(
    fc.constantFrom('', '\u2028', '\uFEFF', '😀', '"\\/\b\f\n\r\t', '\u0001', 'é', 'e\u0301', '\u{10FFFF}', '<&>'),
    fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0')),
  );
  const oddJson = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      oddNumber,
      oddText,
      fc.constantFrom(true, false, null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(
        oddText.filter(key => key !== '__proto__'),
        tie('value'),
        { maxKeys: 4 },
      ),
    ),
  })).value;

  it('has the hash that it was written with, for any JSON', async () => {
    const own = await createTestDatabase();
    const odd = await Databases.open({ url: own.url, ssl: 'off', poolMax: 2, entities: LOG_ENTITIES });
    const audit = new AuditQuery(odd, new EventSearchRepository(), new CatalogHeadRepository());
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(oddJson, oddText), { minLength: 1, maxLength: 20 }), async values => {
          const drafts = values.map(([value, reason]) =>
            aDraft({ before: null, after: { '': value, 10: 1, 9: 2 }, reason }),
          );
          const appended = await appendBatch(odd, drafts);
          const filter = { afterRevision: appended[0]!.revision - 1 };
          const { items } = await audit.list({ filter, order: 'asc', limit: 100 });
          expect(items.map(event => event.hash)).toEqual(appended.map(event => event.hash));
          for (const item of items) expect(hashEvent(item)).toBe(item.hash);
        }),
        { numRuns: 60 },
      );
    } finally {
      await odd.close();
      await own.drop();
    }
  });
});

describe('A server in recovery', () => {
  it('is refused, because it may lack acknowledged events', async () => {
    const query = new AuditQuery(databases, new EventSearchRepository(), new HeadsOnStandby());
    await expect(query.head()).rejects.toThrow(StoreUnavailableError);
    await expect(query.list({ filter: {}, order: 'desc', limit: 1 })).rejects.toThrow(StoreUnavailableError);
    await expect(query.get(EVENTS + 1)).rejects.toThrow(StoreUnavailableError);
  });
});
