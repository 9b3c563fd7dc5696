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
import { type EntityManager } from '@mikro-orm/postgresql';
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
  type RevisionSpan,
} from '@coordination/log';
import { type Turn } from '@coordination/scheduling';

/** The most parts of the log that are searched for one page, so that a search for a rare event does not take minutes. */
const MAX_STEPS = 50;

/** After this time (ms) no further part is searched for a page, because clients and proxies have time limits. */
const SEARCH_LIMIT_MS = 3_000;

/**
 * Events that the first statement of a page reads, and the others at least. An event has up to 70 kB, with both states of a
 * large instance, and rows are garbage soon.
 */
const STEP_EVENTS = 128;

/** Events that the other statements read at most: so many as have about so many bytes, if they are like those before. */
const MAX_STEP_EVENTS = 512;
const STEP_BYTES = 512 * 1024;

/** The page of a list of events to read. */
export interface EventQuery {
  readonly filter: EventFilter;
  readonly order: EventOrder;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** The beginning of the read of a page: what the page is made from. */
export interface PageStart {
  readonly query: EventQuery;
  /** The head of the log in the snapshot of the beginning. */
  readonly head: LogHead;
  /** The log begins after this revision. */
  readonly oldestRevision: number;
  /** The part of the log that the page may have events of. */
  readonly span: RevisionSpan;
  /** The last revision up to the head at which an event can have an effect on the page. */
  readonly newest: number;
  /** The first events, if they were read in the same snapshot. */
  readonly step: EventStep | undefined;
}

/**
 * Takes the next event of a page.
 * @returns the bytes of its item; undefined if the page has no room for it, and ends before it
 */
type TakeEvent = (event: LogEvent) => number | undefined;

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
   * One page of the events that a filter selects, as objects; {@link EventPages} makes responses. It may be shorter than `limit`
   * although there are more, because the search takes long: only a null `nextCursor` means the end.
   * @throws InvalidCursorError when the cursor belongs to another query
   * @throws RevisionUnknownError when the cursor is from an epoch that has ended
   * @throws RevisionCompactedError when requested events are no longer retained
   * @throws StoreUnavailableError
   */
  async list(query: EventQuery): Promise<EventPage> {
    const start = await this.begin(query);
    const items: LogEvent[] = [];
    const nextCursor = await this.read(start, event => (items.push(event), 0));
    return { items, nextCursor, head: start.head, oldestRevision: start.oldestRevision };
  }

  /**
   * Begins the read of a page.
   * @param isNeeded whether its events have to be read; else only what the page would be made from is found out
   * @throws as {@link list}
   */
  async begin(query: EventQuery, isNeeded: (start: PageStart) => boolean = () => true): Promise<PageStart> {
    const { filter, order, limit, cursor } = query;
    const position = cursor === undefined ? undefined : positionOf(cursor, queryDigest(filter, order));
    const work = async (em: EntityManager): Promise<PageStart> => {
      const head = await this.heads.read(em);
      if (position && position.epoch !== head.epoch) throw new RevisionUnknownError(position.revision, 'ended-epoch');
      const cut = await this.cuts.find(em);
      const rest = { ...filter, ...continueAt(order, position?.revision) };
      assertRetainedSpan(rest, cut);
      const oldestRevision = oldestOf(cut);
      const bounds = await this.search.spanOf(em, rest);
      const span = {
        after: Math.max(bounds.after, oldestRevision),
        before: Math.min(bounds.before, head.revision + 1),
      };
      const newest = await this.search.newestOf(em, query, span);
      const start = { query, head, oldestRevision, span, newest, step: undefined };
      if (!isNeeded(start)) return start;
      return { ...start, step: await this.search.step(em, filter, order, span, stepFor(limit, 0, 0)) };
    };
    return await readSnapshot(this.databases, work, { settings: this.search.settingsFor(filter) });
  }

  /**
   * Reads the events of a page that has begun.
   * @param turn in whose slices it goes on; absent: in one piece, for pages of few events
   * @returns the cursor of the next page; null at the end
   * @throws RevisionCompactedError, StoreUnavailableError
   */
  async read(start: PageStart, take: TakeEvent, turn?: Turn): Promise<string | null> {
    const { query, head, span } = start;
    const { filter, order, limit } = query;
    const wait = <T>(reading: Promise<T>): Promise<T> => turn?.waitFor(reading) ?? reading;
    const cursorAt = (revision: number | undefined): string | null =>
      revision === undefined ? null : encodeCursor({ query: queryDigest(filter, order), epoch: head.epoch, revision });
    const begun = performance.now();
    let [taken, bytes, last] = [0, 0, undefined as number | undefined];
    let { events, rest } = start.step ?? (await wait(this.step(filter, order, span, stepFor(limit, 0, 0))));
    for (let steps = 1; ; steps++) {
      for (const event of events) {
        if (turn?.isOver) await turn.next();
        const added = taken < limit ? take(event) : undefined;
        if (added === undefined) return cursorAt(last);
        [taken, bytes, last] = [taken + 1, bytes + added, event.revision];
      }
      if (!rest) return null;
      if (steps >= MAX_STEPS || performance.now() - begun >= this.searchLimitMs)
        return cursorAt(order === 'asc' ? rest.after : rest.before);
      ({ events, rest } = await wait(this.step(filter, order, rest, stepFor(limit, taken, bytes))));
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
    const work = async (em: EntityManager): Promise<EventStep> => {
      await this.cuts.assertRetained(em, span.after);
      return await this.search.step(em, filter, order, span, limit);
    };
    return await readSnapshot(this.databases, work, { settings: this.search.settingsFor(filter) });
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
function stepFor(limit: number, taken: number, bytes: number): number {
  const likely = bytes === 0 ? STEP_EVENTS : Math.floor((STEP_BYTES * taken) / bytes);
  return Math.min(Math.max(likely, STEP_EVENTS), MAX_STEP_EVENTS, limit + 1 - taken);
}
