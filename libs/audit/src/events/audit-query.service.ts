import { Injectable, Optional } from '@nestjs/common';
import { Databases, readSnapshot } from '@coordination/database';
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
  CatalogHeadRepository,
  describeInstance,
  queryDigest,
  type EventBounds,
  type EventFilter,
  type EventOrder,
  EventSearchRepository,
  type EventStep,
  type LogCutRecord,
  LogCutRepository,
  type LogEvent,
  type LogHead,
  type InstanceRef,
  oldestOf,
  type RemainingSpan,
} from '@coordination/log';

/** The most parts of the log that are searched for one page, so that a search for a rare event does not take minutes. */
const MAX_STEPS = 50;

/** After this time (ms) no further part is searched for a page, because clients and proxies have time limits. */
const SEARCH_LIMIT_MS = 3_000;

/** The page of a list of events to read. */
export interface EventQuery {
  readonly filter: EventFilter;
  readonly order: EventOrder;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** One page of events, and the head of the log in the same snapshot. */
export interface EventPage {
  readonly items: LogEvent[];
  readonly nextCursor: string | null;
  readonly head: LogHead;
  /** The log begins after this revision. */
  readonly oldestRevision: number;
}

/** The retained part of the log. */
export interface Retention {
  readonly head: LogHead;
  /** The latest first. */
  readonly cuts: readonly LogCutRecord[];
}

/** How many cuts are returned. */
const MAX_CUTS = 100;

/** A cursor contains the epoch, because a cursor of an earlier epoch may refer to events that were lost. */
const cursorPosition = z.strictObject({ query: z.string(), revision: z.int().min(0), epoch: z.string() });
type CursorPosition = z.output<typeof cursorPosition>;

/** Reads events and the state of the log. */
@Injectable()
export class AuditQuery {
  constructor(
    private readonly databases: Databases,
    private readonly search: EventSearchRepository,
    private readonly heads: CatalogHeadRepository,
    private readonly cuts: LogCutRepository = new LogCutRepository(),
    @Optional() private readonly searchLimitMs = SEARCH_LIMIT_MS,
  ) {}

  /**
   * One page of the events that a filter selects. It may be shorter than `limit` although there are more: only a null
   * `nextCursor` means the end.
   * @throws InvalidCursorError when the cursor belongs to another query
   * @throws RevisionUnknownError when the cursor is from an epoch that has ended
   * @throws RevisionCompactedError when requested events are no longer retained
   * @throws StoreUnavailableError
   */
  async list({ filter, order, limit, cursor }: EventQuery): Promise<EventPage> {
    const begun = performance.now();
    const digest = queryDigest(filter, order);
    const position = cursor === undefined ? undefined : positionOf(cursor, digest);
    const seen = position?.revision;
    // One event more than the page shows whether there is a next page.
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
      if (performance.now() - begun >= this.searchLimitMs) break;
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
   * The end of the log.
   * @throws StoreUnavailableError
   */
  async head(): Promise<LogHead> {
    return await readSnapshot(this.databases, em => this.heads.read(em));
  }

  /**
   * The retained part of the log, and the removed parts.
   * @throws StoreUnavailableError
   */
  async retention(): Promise<Retention> {
    return await readSnapshot(this.databases, async em => ({
      head: await this.heads.read(em),
      cuts: await this.cuts.list(em, MAX_CUTS),
    }));
  }

  /**
   * Verifies that an instance without retained events existed when the log was cut, and so has an empty retained history.
   * @throws InstanceNeverKnownError when neither the log nor the baseline has it
   * @throws RevisionCompactedError when it was removed before the retained part of the log
   * @throws StoreUnavailableError
   */
  async assertKnown(instance: InstanceRef): Promise<void> {
    await readSnapshot(this.databases, async em => {
      const last = await this.cuts.findInBaseline(em, instance);
      if (last?.exists) return;
      const oldest = oldestOf(await this.cuts.find(em));
      const what = describeInstance(instance);
      if (!last) throw new InstanceNeverKnownError(what, oldest);
      throw RevisionCompactedError.of(
        `The history of ${what}, which was removed by revision ${last.revision},`,
        oldest,
      );
    });
  }

  private async step(filter: EventFilter, order: EventOrder, span: RemainingSpan, limit: number): Promise<EventStep> {
    return await readSnapshot(this.databases, async em => {
      await this.cuts.assertRetained(em, span.after);
      return await this.search.step(em, filter, order, span, limit);
    });
  }
}

/** @throws InvalidCursorError */
function positionOf(cursor: string, digest: string): CursorPosition {
  const position = decodeCursor(cursor, cursorPosition);
  if (position.query !== digest) throw InvalidCursorError.ofAnotherQuery();
  return position;
}

/** The bounds that replace those before the last returned revision. */
function continueAt(order: EventOrder, seen: number | undefined): EventBounds {
  if (seen === undefined) return {};
  return order === 'asc'
    ? { afterRevision: seen, fromRevision: undefined, from: undefined, after: undefined }
    : { beforeRevision: seen, toRevision: undefined, to: undefined, before: undefined };
}

/** The page of the found events, and the cursor of the next one. */
function pageOf(
  found: readonly LogEvent[],
  limit: number,
  order: EventOrder,
  rest: RemainingSpan | undefined,
  at: Omit<CursorPosition, 'revision'>,
): Pick<EventPage, 'items' | 'nextCursor'> {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1)?.revision : rest && (order === 'asc' ? rest.after : rest.before);
  return { items, nextCursor: last === undefined ? null : encodeCursor({ ...at, revision: last }) };
}
