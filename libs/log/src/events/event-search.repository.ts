import { query } from '@coordination/database';
import { AddressRanges, canonicalAddress } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogEvent } from './log-event.js';
import { type Asked, askedOf, conditionsOf } from './event-conditions.js';
import { type EventBounds, type EventFilter, type EventOrder } from './event-filter.js';
import { EVENT_COLUMNS } from './service-event.repository.js';

/** Revisions between two others, neither of which is included. */
export interface RevisionSpan {
  readonly after: number;
  readonly before: number;
}

/** What of a span is left to look through. */
export interface RestOfSpan extends RevisionSpan {
  /** How many revisions the next statement looks at; chosen by the filter where it is not set. */
  readonly width?: number;
}

/** A step through the log. */
export interface EventStep {
  readonly events: LogEvent[];
  /** Where the next step goes on; undefined: nothing is left. */
  readonly rest: RestOfSpan | undefined;
}

/**
 * How many revisions one statement looks at. With a bound, a rare action in a long log does not run into the limit of a
 * statement to be found never; and a planner whose statistics are old, as they are of a log that grows, cannot decide
 * to read all the rest of it for one page.
 */
const WIDTH = 20_000;

/** Where an index leads to the wanted events, looking at more costs little. */
const GROWTH = 4;

/**
 * So many times the width at most, where an index leads to the wanted events among others: all events of a busy service
 * could not be read by one statement.
 */
const MOST_AMONG_OTHERS = 16;

/** Looks events up. All of its SQL is bounded in what it returns, and in what it looks at. */
export class EventSearchRepository {
  constructor(private readonly width = WIDTH) {}

  async findOne(em: EntityManager, revision: number): Promise<LogEvent | undefined> {
    const [event] = await query<LogEvent>(em, `select ${EVENT_COLUMNS} from service_event where revision = $1`, [
      revision,
    ]);
    return event;
  }

  /** The newest event that is in the table, whatever the head says; with a bound, the newest one before it. */
  async newest(em: EntityManager, before = Number.MAX_SAFE_INTEGER): Promise<LogEvent | undefined> {
    const [event] = await query<LogEvent>(
      em,
      `select ${EVENT_COLUMNS} from service_event where revision < $1 order by service_event.revision desc limit 1`,
      [before],
    );
    return event;
  }

  /** The revisions that a filter leaves, as far as it speaks of revisions and times: `at` never falls along revisions. */
  async spanOf(em: EntityManager, bounds: EventBounds): Promise<RevisionSpan> {
    const { from, to, after, before } = bounds;
    const { fromRevision = 1, toRevision = Number.MAX_SAFE_INTEGER } = bounds;
    const { afterRevision = 0, beforeRevision = Number.MAX_SAFE_INTEGER } = bounds;
    const span = {
      after: Math.max(afterRevision, fromRevision - 1),
      before: Math.min(beforeRevision, toRevision + 1),
    };
    const hasBegin = from !== undefined || after !== undefined;
    const hasEnd = to !== undefined || before !== undefined;
    if (!hasBegin && !hasEnd) return span;
    const [row] = await query<{ first: number | null; last: number | null }>(
      em,
      `select
        (select revision::float8 from service_event
           where at >= coalesce($1::timestamptz, '-infinity') and at > coalesce($2::timestamptz, '-infinity')
           order by at, service_event.revision limit 1) as first,
        (select revision::float8 from service_event
           where at <= coalesce($3::timestamptz, 'infinity') and at < coalesce($4::timestamptz, 'infinity')
           order by at desc, service_event.revision desc limit 1) as last`,
      [from ?? null, after ?? null, to ?? null, before ?? null],
    );
    const first = hasBegin ? (row?.first ?? Number.MAX_SAFE_INTEGER) : 0;
    const last = hasEnd ? (row?.last ?? 0) : Number.MAX_SAFE_INTEGER;
    return { after: Math.max(span.after, first - 1), before: Math.min(span.before, last + 1) };
  }

  /** The next events of a span that a filter selects, at most `limit`; there may be more when there are fewer. */
  async step(
    em: EntityManager,
    filter: EventFilter,
    order: EventOrder,
    span: RestOfSpan,
    limit: number,
  ): Promise<EventStep> {
    const width = span.width ?? (selectsAll(filter) ? limit : this.width);
    const window = firstOf(span, order, width);
    const events = await this.select(em, filter, order, window, limit);
    const last = events.at(-1)?.revision;
    if (last !== undefined && events.length === limit) return { events, rest: { ...narrow(span, order, last), width } };
    // Revisions may be far apart: a new epoch jumps.
    const next = await this.nextRevision(em, order, narrow(span, order, edgeOf(window, order)));
    if (next === undefined) return { events, rest: undefined };
    const rest = narrow(span, order, order === 'asc' ? next - 1 : next + 1);
    return { events, rest: { ...rest, width: this.nextWidth(filter, width) } };
  }

  /** How many revisions are looked at when those before had too few of the wanted events. */
  private nextWidth(filter: EventFilter, width: number): number {
    const asked = askedOf(filter);
    const leading = INDEXED.filter(names => names.every(name => asked.includes(name)));
    if (leading.length === 0) return width;
    const isWhole = leading.some(names => names.length === asked.length);
    return isWhole ? width * GROWTH : Math.max(width, Math.min(width * GROWTH, this.width * MOST_AMONG_OTHERS));
  }

  /** The first revision of a span that is in the log. */
  private async nextRevision(em: EntityManager, order: EventOrder, span: RevisionSpan): Promise<number | undefined> {
    const [row] = await query<{ revision: number | null }>(
      em,
      `select ${order === 'asc' ? 'min' : 'max'}(revision)::float8 as revision from service_event
       where revision > $1 and revision < $2`,
      [span.after, span.before],
    );
    return row?.revision ?? undefined;
  }

  private async select(
    em: EntityManager,
    filter: EventFilter,
    order: EventOrder,
    { after, before }: RevisionSpan,
    limit: number,
  ): Promise<LogEvent[]> {
    const parameters: unknown[] = [after, before];
    const conditions = ['revision > $1', 'revision < $2', ...conditionsOf(filter, parameters)];
    if (filter.clientAddress !== undefined) {
      const addresses = await this.addressesWithin(em, filter.clientAddress, conditions, parameters);
      if (addresses.length === 0) return [];
      parameters.push(addresses);
      conditions.push(`client_address = any($${parameters.length}::text[])`);
    }
    return await query<LogEvent>(
      em,
      `select ${EVENT_COLUMNS} from service_event where ${conditions.join(' and ')}
       order by service_event.revision ${order} limit ${limit}`,
      parameters,
    );
  }

  /**
   * The addresses of a part of the log that lie in a range. They are few, and may be any text: PostgreSQL would fail at the
   * first that is no address, and its network types take other spellings for the same than the rest of the service.
   */
  private async addressesWithin(
    em: EntityManager,
    range: string,
    conditions: readonly string[],
    parameters: readonly unknown[],
  ): Promise<string[]> {
    const rows = await query<{ address: string }>(
      em,
      `select distinct client_address as address from service_event
       where ${conditions.join(' and ')} and client_address is not null`,
      parameters,
    );
    const ranges = new AddressRanges([range]);
    return rows.flatMap(({ address }) => {
      const plain = canonicalAddress(address);
      return plain !== undefined && ranges.has(plain) ? address : [];
    });
  }
}

const selectsAll = (filter: EventFilter): boolean => askedOf(filter).length === 0;

/** What indexes of the log begin with; the revision comes after. One that has all that is asked leads to nothing else. */
const INDEXED: readonly (readonly Asked[])[] = [
  ['instance'],
  ['requestId'],
  ['actor'],
  ['namespace', 'service'],
  ['namespace', 'service', 'instanceId'],
];

/** What of a span comes after a revision. */
const narrow = ({ after, before }: RevisionSpan, order: EventOrder, revision: number): RevisionSpan =>
  order === 'asc' ? { after: revision, before } : { after, before: revision };

/** The first `width` revisions of a span. */
const firstOf = ({ after, before }: RevisionSpan, order: EventOrder, width: number): RevisionSpan =>
  order === 'asc'
    ? { after, before: Math.min(before, after + width + 1) }
    : { after: Math.max(after, before - width - 1), before };

/** The last revision that a window covers. */
const edgeOf = ({ after, before }: RevisionSpan, order: EventOrder): number =>
  order === 'asc' ? before - 1 : after + 1;
