import { Injectable, Optional } from '@nestjs/common';
import { query } from '@coordination/database';
import { AddressRanges, canonicalAddress } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { EPOCH_JUMP } from './chain-walk.js';
import { type LogEvent } from './log-event.js';
import { conditionsOf, type EventCondition, sqlConditions } from './event-conditions.js';
import { type EventBounds, type EventFilter, type EventOrder } from './event-filter.js';
import { EVENT_COLUMNS } from './service-event.repository.js';

/** Revisions between two others, neither of which is included. */
export interface RevisionSpan {
  readonly after: number;
  readonly before: number;
}

/** The part of a span that has not been searched yet. */
export interface RemainingSpan extends RevisionSpan {
  /** How many revisions the next statement searches; by default it depends on the filter. */
  readonly width?: number;
}

/** The result of one search statement. */
export interface EventStep {
  readonly events: LogEvent[];
  /** Where the next step continues; undefined: the whole span has been searched. */
  readonly rest: RemainingSpan | undefined;
}

/**
 * How many revisions one statement searches. Without a bound, a search for a rare action in a long log would always exceed
 * the time limit of a statement; and a planner with outdated statistics, which a growing log often has, could decide to read
 * the whole rest of the log for one page.
 */
const WIDTH = 20_000;

/** Factor by which the width grows from step to step if an index finds the wanted events: a wide search is cheap then. */
const GROWTH = 4;

/**
 * Limit of that growth if the index finds other events as well: one statement could not read all events of a busy service.
 */
const MAX_GROWTH_AMONG_OTHERS = 16;

/** Searches events. Each statement is bounded in how much it returns and in how much it reads. */
@Injectable()
export class EventSearchRepository {
  constructor(@Optional() private readonly width = WIDTH) {}

  async findOne(em: EntityManager, revision: number): Promise<LogEvent | undefined> {
    const [event] = await query<LogEvent>(em, `select ${EVENT_COLUMNS} from service_event where revision = $1`, [
      revision,
    ]);
    return event;
  }

  /** The newest event of the table, independent of the head; with `before`, the newest one before that revision. */
  async newest(em: EntityManager, before = Number.MAX_SAFE_INTEGER): Promise<LogEvent | undefined> {
    const [event] = await query<LogEvent>(
      em,
      `select ${EVENT_COLUMNS} from service_event where revision < $1 order by service_event.revision desc limit 1`,
      [before],
    );
    return event;
  }

  /** The span of revisions that bounds on revision and time allow. It is one span, since `at` never decreases with revisions. */
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

  /**
   * The last revision of a span at which an event can change a page of up to `limit` events. Exact for filters by instance,
   * which cost one seek in each partition; for others the end of the span, or the first revision beyond the page where that is
   * known. The transaction must have the settings of {@link settingsFor}.
   */
  async newestOf(
    em: EntityManager,
    { filter, order, limit }: { readonly filter: EventFilter; readonly order: EventOrder; readonly limit: number },
    { after, before }: RevisionSpan,
  ): Promise<number> {
    const key = instanceKeyOf(filter);
    if (!key) {
      // Revisions have no gaps but those before epochs, which are wider.
      const isDense = selectsAll(filter) && order === 'asc' && before - after < EPOCH_JUMP;
      return isDense ? Math.min(before - 1, after + limit + 1) : before - 1;
    }
    const columns = key.map(({ column }) => column);
    const values = key.map(({ type }, n) => `$${n + 1}::${type}`);
    const sought = `${values.join(', ')}, $${key.length + 1}::bigint`;
    // With all columns of the index in the comparison and the order, no other plan is possible.
    const [row] = await query<{ revision: number }>(
      em,
      `select last.revision::float8 as revision from (
         select ${columns.join(', ')}, revision from service_event
         where (${columns.join(', ')}, revision) < (${sought})
         order by ${columns.map(column => `${column} desc`).join(', ')}, revision desc limit 1
       ) last where (${columns.map(column => `last.${column}`).join(', ')}) = (${values.join(', ')})`,
      [...key.map(({ value }) => value), before],
    );
    return Math.max(row?.revision ?? 0, after);
  }

  /** Settings of PostgreSQL for a transaction that reads events by a filter. */
  settingsFor(filter: EventFilter): Readonly<Record<string, string>> {
    return instanceKeyOf(filter) ? BY_INDEX : {};
  }

  /** The next events of a span that a filter selects, at most `limit`. If there are fewer, there may still be more. */
  async step(
    em: EntityManager,
    filter: EventFilter,
    order: EventOrder,
    span: RemainingSpan,
    limit: number,
  ): Promise<EventStep> {
    const width = selectsAll(filter) ? limit : (span.width ?? this.width);
    const window = firstOf(span, order, width);
    const events = await this.select(em, filter, order, window, limit);
    const last = events.at(-1)?.revision;
    if (last !== undefined && events.length === limit) return { events, rest: { ...narrow(span, order, last), width } };
    // The next event may be far away: a new epoch jumps over revisions.
    const next = await this.nextRevision(em, order, narrow(span, order, edgeOf(window, order)));
    if (next === undefined) return { events, rest: undefined };
    const rest = narrow(span, order, order === 'asc' ? next - 1 : next + 1);
    return { events, rest: { ...rest, width: this.nextWidth(filter, width) } };
  }

  /** The width of the next step, after one that did not find enough events. */
  private nextWidth(filter: EventFilter, width: number): number {
    const used = conditionsOf(filter);
    const leading = INDEXED.filter(names => names.every(name => used.includes(name)));
    if (leading.length === 0) return width;
    const isExact = leading.some(names => names.length === used.length);
    return isExact ? width * GROWTH : Math.max(width, Math.min(width * GROWTH, this.width * MAX_GROWTH_AMONG_OTHERS));
  }

  /** The first revision of a span, in the given order, that the log has. */
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
    const conditions = ['revision > $1', 'revision < $2', ...sqlConditions(filter, parameters)];
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
   * The client addresses of a part of the log that lie in a range. There are few, and they are compared in memory: a logged
   * address may be any text, and a cast to a network type of PostgreSQL fails at the first text that is no address. These
   * types also consider other spellings equal than the rest of the service does.
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

const selectsAll = (filter: EventFilter): boolean => conditionsOf(filter).length === 0;

/**
 * The columns of the indexes of the log before `revision`. An index that covers all conditions of a filter finds only wanted
 * events.
 */
const INDEXED: readonly (readonly EventCondition[])[] = [
  ['instance'],
  ['requestId'],
  ['actor'],
  ['namespace', 'service'],
  ['namespace', 'service', 'instanceId'],
];

/** An index has the events of an instance in their order, whatever the statistics of the planner say. */
const BY_INDEX = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  enable_incremental_sort: 'off',
} as const;

interface KeyColumn {
  readonly column: string;
  readonly type: 'uuid' | 'text';
  readonly value: string;
}

/** The columns of the index that finds exactly the events of a filter for one instance, or one name; undefined for others. */
function instanceKeyOf(filter: EventFilter): readonly KeyColumn[] | undefined {
  const { instance, namespace, service, instanceId } = filter;
  const used = conditionsOf(filter).length;
  if (instance !== undefined) {
    return used === 1 ? [{ column: 'instance_uuid', type: 'uuid', value: instance }] : undefined;
  }
  if (namespace === undefined || service === undefined || instanceId === undefined || used !== 3) return undefined;
  return [
    { column: 'namespace', type: 'text', value: namespace },
    { column: 'service', type: 'text', value: service },
    { column: 'instance_id', type: 'text', value: instanceId },
  ];
}

/** The part of a span that comes after a revision, in the given order. */
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
