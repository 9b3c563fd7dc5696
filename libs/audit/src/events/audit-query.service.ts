import { type Databases, readSnapshot } from '@coordination/database';
import {
  decodeCursor,
  encodeCursor,
  EventNotFoundError,
  InstanceNeverKnownError,
  InvalidCursorError,
  RevisionCompactedError,
  RevisionUnknownError,
} from '@coordination/kernel';
import { z } from 'zod';
import {
  assertRetainedSpan,
  type CatalogHeadRepository,
  describePast,
  digestOf,
  type EventBounds,
  type EventFilter,
  type EventOrder,
  type EventSearchRepository,
  type EventStep,
  type LogCutRecord,
  LogCutRepository,
  type LogEvent,
  type LogHead,
  type NamedPast,
  oldestOf,
  type RestOfSpan,
} from '@coordination/log';

/** How many parts of the log one page looks through at most, so that a rare thing does not keep a request for minutes. */
const MAX_STEPS = 50;

/** No further part is looked through for a page when it has taken so long (ms): clients and proxies do not wait for ever. */
const LOOKING_MS = 3_000;

/** One page of a list. */
export interface EventQuery {
  readonly filter: EventFilter;
  readonly order: EventOrder;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** One page of events, and the head of the log that it was read from. */
export interface EventPage {
  readonly items: LogEvent[];
  readonly nextCursor: string | null;
  readonly head: LogHead;
  /** The log begins after this revision. */
  readonly oldestRevision: number;
}

/** What is there of the log. */
export interface Retention {
  readonly head: LogHead;
  /** The latest first. */
  readonly cuts: readonly LogCutRecord[];
}

/** How many cuts are told. */
const MAX_CUTS = 100;

/** A cursor that was given in another epoch may speak of events that were lost. */
const Position = z.strictObject({ query: z.string(), revision: z.int().min(0), epoch: z.string() });
type Position = z.infer<typeof Position>;

/** Answers questions about the log. */
export class AuditQuery {
  constructor(
    private readonly databases: Databases,
    private readonly search: EventSearchRepository,
    private readonly heads: CatalogHeadRepository,
    private readonly cuts = new LogCutRepository(),
    private readonly lookingMs = LOOKING_MS,
  ) {}

  /**
   * One page of the events that a filter selects. It may be shorter than `limit` although there are more: only a null
   * `nextCursor` means the end.
   * @throws InvalidCursorError when the cursor is not one of this query
   * @throws RevisionUnknownError when it was given in an epoch that has ended
   * @throws RevisionCompactedError when what is asked for lies before what is retained
   * @throws StoreUnavailableError
   */
  async list({ filter, order, limit, cursor }: EventQuery): Promise<EventPage> {
    const begun = performance.now();
    const digest = digestOf(filter, order);
    const position = cursor === undefined ? undefined : positionOf(cursor, digest);
    const seen = position?.revision;
    // One more than asked for tells whether there is a next page.
    const wanted = limit + 1;
    const { head, step, oldestRevision } = await readSnapshot(this.databases, async em => {
      const head = await this.heads.read(em);
      if (position && position.epoch !== head.epoch) throw new RevisionUnknownError(position.revision, 'ended-epoch');
      const cut = await this.cuts.find(em);
      const rest = { ...filter, ...continueAt(order, seen) };
      assertRetainedSpan(rest, cut);
      const span = await this.search.spanOf(em, rest);
      const known = {
        after: Math.max(span.after, oldestOf(cut)),
        before: Math.min(span.before, head.revision + 1),
      };
      const step = await this.search.step(em, filter, order, known, wanted);
      return { head, step, oldestRevision: oldestOf(cut) };
    });
    const items = step.events;
    let rest = step.rest;
    for (let steps = 1; rest && items.length < wanted && steps < MAX_STEPS; steps++) {
      if (performance.now() - begun >= this.lookingMs) break;
      const next = await this.step(filter, order, rest, wanted - items.length);
      items.push(...next.events);
      rest = next.rest;
    }
    return { head, oldestRevision, ...pageOf(items, limit, order, rest, { query: digest, epoch: head.epoch }) };
  }

  /**
   * The event of a revision.
   * @throws EventNotFoundError
   * @throws RevisionCompactedError when it is no longer retained
   * @throws StoreUnavailableError
   */
  async get(revision: number): Promise<{ readonly event: LogEvent; readonly head: LogHead }> {
    return await readSnapshot(this.databases, async em => {
      const head = await this.heads.read(em);
      const oldest = oldestOf(await this.cuts.find(em));
      if (revision <= oldest) throw new RevisionCompactedError(revision, oldest + 1);
      const event = await this.search.findOne(em, revision);
      if (!event) throw new EventNotFoundError(revision);
      return { event, head };
    });
  }

  /**
   * Where the log ends.
   * @throws StoreUnavailableError
   */
  async head(): Promise<LogHead> {
    return await readSnapshot(this.databases, em => this.heads.read(em));
  }

  /**
   * What is there of the log, and what was removed.
   * @throws StoreUnavailableError
   */
  async retention(): Promise<Retention> {
    return await readSnapshot(this.databases, async em => ({
      head: await this.heads.read(em),
      cuts: await this.cuts.list(em, MAX_CUTS),
    }));
  }

  /**
   * Makes sure that what the log has no events of was there when the log was cut, and so has a past without events.
   * @throws InstanceNeverKnownError when nothing is known of it
   * @throws RevisionCompactedError when it was gone before what is retained
   * @throws StoreUnavailableError
   */
  async assertKnown(past: NamedPast): Promise<void> {
    await readSnapshot(this.databases, async em => {
      const last = await this.cuts.findInBaseline(em, past);
      if (last?.isThere) return;
      const oldest = oldestOf(await this.cuts.find(em));
      const what = describePast(past);
      if (!last) throw new InstanceNeverKnownError(what, oldest);
      throw RevisionCompactedError.of(`The past of ${what}, which was gone by revision ${last.revision},`, oldest);
    });
  }

  private async step(filter: EventFilter, order: EventOrder, span: RestOfSpan, limit: number): Promise<EventStep> {
    return await readSnapshot(this.databases, async em => {
      await this.cuts.assertRetained(em, span.after);
      return await this.search.step(em, filter, order, span, limit);
    });
  }
}

/** @throws InvalidCursorError */
function positionOf(cursor: string, digest: string): Position {
  const position = decodeCursor(cursor, Position);
  if (position.query !== digest) throw InvalidCursorError.ofAnotherQuery();
  return position;
}

/** What takes the place of the bounds that lie before the revision that was seen last. */
function continueAt(order: EventOrder, seen: number | undefined): EventBounds {
  if (seen === undefined) return {};
  return order === 'asc'
    ? { afterRevision: seen, fromRevision: undefined, from: undefined, after: undefined }
    : { beforeRevision: seen, toRevision: undefined, to: undefined, before: undefined };
}

/** What is told of the events that were found, and where the next page goes on. */
function pageOf(
  found: readonly LogEvent[],
  limit: number,
  order: EventOrder,
  rest: RestOfSpan | undefined,
  at: Omit<Position, 'revision'>,
): Pick<EventPage, 'items' | 'nextCursor'> {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1)?.revision : rest && (order === 'asc' ? rest.after : rest.before);
  return { items, nextCursor: last === undefined ? null : encodeCursor({ ...at, revision: last }) };
}
