import { Injectable, Optional } from '@nestjs/common';
import { Databases, readSnapshot } from '@coordination/database';
import { PageText } from '@coordination/http';
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
import { type Turn } from '@coordination/scheduling';

/** The most parts of the log that are searched for one page, so that a search for a rare event does not take minutes. */
const MAX_STEPS = 50;

/** After this time (ms) no further part is searched for a page, because clients and proxies have time limits. */
const SEARCH_LIMIT_MS = 3_000;

/** Events that one statement reads. An event has up to 70 kB, with both states of a large instance, and rows are garbage soon. */
const STEP_EVENTS = 128;

/** The page of a list of events to read. */
export interface EventQuery {
  readonly filter: EventFilter;
  readonly order: EventOrder;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** How the items of a page are made. */
export interface PageOptions {
  /** The JSON of the item of an event; by default, of the event itself. */
  readonly textOf?: (event: LogEvent) => string;
  /** In whose slices they are made; absent: in one piece, for pages of few events. */
  readonly turn?: Turn;
}

/** One page of events, and the head of the log in the same snapshot. */
export interface EventPage {
  readonly items: LogEvent[];
  /** The items as JSON, an array. */
  readonly json: string;
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
   * One page of the events that a filter selects. It may be shorter than `limit` although there are more, because the search
   * takes long or the page is large: only a null `nextCursor` means the end.
   * @throws InvalidCursorError when the cursor belongs to another query
   * @throws RevisionUnknownError when the cursor is from an epoch that has ended
   * @throws RevisionCompactedError when requested events are no longer retained
   * @throws StoreUnavailableError
   */
  async list({ filter, order, limit, cursor }: EventQuery, options: PageOptions = {}): Promise<EventPage> {
    const { textOf = JSON.stringify, turn } = options;
    const wait = <T>(reading: Promise<T>): Promise<T> => turn?.waitFor(reading) ?? reading;
    const begun = performance.now();
    const digest = queryDigest(filter, order);
    const position = cursor === undefined ? undefined : positionOf(cursor, digest);
    const seen = position?.revision;
    const begin = readSnapshot(this.databases, async em => {
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
      const step = await this.search.step(em, filter, order, known, stepFor(limit, 0));
      return { head, step, oldestRevision: oldestOf(cut) };
    });
    const { head, step, oldestRevision } = await wait(begin);
    const items: LogEvent[] = [];
    const page = new PageText();
    const result = (last: number | undefined): EventPage => {
      const nextCursor = last === undefined ? null : encodeCursor({ query: digest, epoch: head.epoch, revision: last });
      return { head, oldestRevision, items, json: page.toString(), nextCursor };
    };
    let { events, rest } = step;
    for (let steps = 1; ; steps++) {
      for (const event of events) {
        if (turn?.isOver) await turn.next();
        const hasRoom = items.length < limit && page.add(textOf(event));
        if (!hasRoom) return result(items.at(-1)?.revision);
        items.push(event);
      }
      if (!rest) return result(undefined);
      if (steps >= MAX_STEPS || performance.now() - begun >= this.searchLimitMs)
        return result(order === 'asc' ? rest.after : rest.before);
      ({ events, rest } = await wait(this.step(filter, order, rest, stepFor(limit, items.length))));
    }
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

/** How many events the next statement reads: one more than the page has shows whether there is a next page. */
const stepFor = (limit: number, found: number): number => Math.min(STEP_EVENTS, limit + 1 - found);
