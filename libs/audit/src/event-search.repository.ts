import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type AuditEvent } from './audit-event.js';
import { type EventFilter, type EventOrder } from './event-filter.js';
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
  readonly events: AuditEvent[];
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

/** Columns of the filters that compare for equality. */
const EQUALITIES = {
  namespace: 'namespace = $',
  service: 'service = $',
  instance: 'instance_uuid = $',
  action: 'action = $',
  actor: 'actor = $',
  source: 'source = $',
  requestId: 'request_id = $',
} as const satisfies Partial<Record<keyof EventFilter, string>>;

/** Looks events up. All of its SQL is bounded in what it returns, and in what it looks at. */
export class EventSearchRepository {
  constructor(private readonly width = WIDTH) {}

  async findOne(em: EntityManager, revision: number): Promise<AuditEvent | undefined> {
    const [event] = await query<AuditEvent>(em, `select ${EVENT_COLUMNS} from service_event where revision = $1`, [
      revision,
    ]);
    return event;
  }

  /** The newest event that is in the table, whatever the head says; with a bound, the newest one before it. */
  async newest(em: EntityManager, before = Number.MAX_SAFE_INTEGER): Promise<AuditEvent | undefined> {
    const [event] = await query<AuditEvent>(
      em,
      `select ${EVENT_COLUMNS} from service_event where revision < $1 order by service_event.revision desc limit 1`,
      [before],
    );
    return event;
  }

  /** The revisions that a filter leaves, as far as it speaks of revisions and times: `at` never falls along revisions. */
  async spanOf(em: EntityManager, filter: EventFilter): Promise<RevisionSpan> {
    const { from, to, afterRevision = 0, beforeRevision = Number.MAX_SAFE_INTEGER } = filter;
    if (from === undefined && to === undefined) return { after: afterRevision, before: beforeRevision };
    const [row] = await query<{ first: number | null; last: number | null }>(
      em,
      `select
        (select revision::float8 from service_event where at >= $1::timestamptz order by at, service_event.revision limit 1) as first,
        (select revision::float8 from service_event where at <= $2::timestamptz order by at desc, service_event.revision desc
           limit 1) as last`,
      [from ?? null, to ?? null],
    );
    const first = from === undefined ? 0 : (row?.first ?? Number.MAX_SAFE_INTEGER);
    const last = to === undefined ? Number.MAX_SAFE_INTEGER : (row?.last ?? 0);
    return { after: Math.max(afterRevision, first - 1), before: Math.min(beforeRevision, last + 1) };
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
    return { events, rest: { ...rest, width: hasIndex(filter) ? width * GROWTH : width } };
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
  ): Promise<AuditEvent[]> {
    const parameters: unknown[] = [after, before];
    const conditions = ['revision > $1', 'revision < $2'];
    for (const [name, condition] of Object.entries(EQUALITIES)) {
      const value = filter[name as keyof typeof EQUALITIES];
      if (value === undefined) continue;
      parameters.push(value);
      conditions.push(condition + parameters.length);
    }
    return await query<AuditEvent>(
      em,
      `select ${EVENT_COLUMNS} from service_event where ${conditions.join(' and ')}
       order by service_event.revision ${order} limit ${limit}`,
      parameters,
    );
  }
}

const selectsAll = (filter: EventFilter): boolean =>
  Object.keys(EQUALITIES).every(name => filter[name as keyof typeof EQUALITIES] === undefined);

/** Whether an index leads to the wanted events in the order of their revisions. */
const hasIndex = ({ instance, requestId, actor, namespace, service }: EventFilter): boolean =>
  instance !== undefined ||
  requestId !== undefined ||
  actor !== undefined ||
  (namespace !== undefined && service !== undefined);

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
