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

/** What of a span is left, and the part of it that one statement may look at, where that is known already. */
export interface RestOfSpan extends RevisionSpan {
  readonly window?: RevisionSpan | undefined;
}

/** A step through the log. */
export interface EventStep {
  readonly events: AuditEvent[];
  /** Where the next step goes on; undefined: nothing is left. */
  readonly rest: RestOfSpan | undefined;
}

/**
 * How many events one statement looks at where no index leads to the wanted ones: about 20 ms. Without a bound a rare
 * action in a long log would run into the limit of a statement, and be found never.
 */
const WINDOW = 20_000;

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
  constructor(private readonly window = WINDOW) {}

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
      `select ${EVENT_COLUMNS} from service_event where revision < $1 order by revision desc limit 1`,
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
        (select revision::float8 from service_event where at >= $1::timestamptz order by at, revision limit 1) as first,
        (select revision::float8 from service_event where at <= $2::timestamptz order by at desc, revision desc limit 1) as last`,
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
    const window = leadsThere(filter) ? span : (span.window ?? (await this.windowOf(em, order, span)));
    if (!window) return { events: [], rest: undefined };
    const events = await this.select(em, filter, order, window, limit);
    const last = events.at(-1)?.revision;
    if (last !== undefined && events.length === limit) {
      return { events, rest: { ...narrow(span, order, last), window: narrow(window, order, last) } };
    }
    const end = order === 'asc' ? window.before - 1 : window.after + 1;
    const left = narrow({ after: span.after, before: span.before }, order, end);
    return { events, rest: left.after + 1 < left.before && !covers(window, span) ? left : undefined };
  }

  /** The first part of a span, as large as one statement may look at; the span itself when it is no larger. */
  private async windowOf(em: EntityManager, order: EventOrder, span: RevisionSpan): Promise<RevisionSpan | undefined> {
    const [row] = await query<{ seen: number; end: number | null }>(
      em,
      `select count(*)::int as seen, ${order === 'asc' ? 'max' : 'min'}(revision)::float8 as end
       from (select revision from service_event where revision > $1 and revision < $2
             order by revision ${order} limit ${this.window}) as looked_at`,
      [span.after, span.before],
    );
    if (!row || row.end === null) return undefined;
    if (row.seen < this.window) return span;
    return order === 'asc' ? { ...span, before: row.end + 1 } : { ...span, after: row.end - 1 };
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
       order by revision ${order} limit ${limit}`,
      parameters,
    );
  }
}

/** Whether an index leads to the wanted events in the order of their revisions; to all of them the primary key does. */
function leadsThere(filter: EventFilter): boolean {
  const { instance, requestId, actor, namespace, service } = filter;
  if (instance !== undefined || requestId !== undefined || actor !== undefined) return true;
  if (namespace !== undefined && service !== undefined) return true;
  return Object.keys(EQUALITIES).every(name => filter[name as keyof typeof EQUALITIES] === undefined);
}

const narrow = ({ after, before }: RevisionSpan, order: EventOrder, revision: number): RevisionSpan =>
  order === 'asc' ? { after: revision, before } : { after, before: revision };

const covers = (window: RevisionSpan, span: RevisionSpan): boolean =>
  window.after <= span.after && window.before >= span.before;
