import { Readable } from 'node:stream';
import { Injectable, Optional } from '@nestjs/common';
import { Databases, readSnapshot } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import {
  assertReachedSpan,
  assertRetainedSpan,
  CatalogHeadRepository,
  type EventFilter,
  type EventOrder,
  EventSearchRepository,
  type ExportFormat,
  headerOf,
  linesOf,
  type LogCut,
  LogCutRepository,
  type LogEvent,
  type LogHead,
  oldestOf,
  type RemainingSpan,
} from '@coordination/log';
import { type Turn } from '@coordination/scheduling';

/** Events that one transaction reads. The driver parses so many, each of up to 70 kB, without the scheduler. */
const PAGE_SIZE = 200;

/** A chunk of the stream ends with the event by which it has so many characters; events have up to 70 kB. */
const CHUNK_LENGTH = 64 * 1024;

/** Waits for a place for one page. The place must be released when the page has been read. */
type EnterPlace = () => Promise<{ release(): void }>;

const NO_PLACES: EnterPlace = () => Promise.resolve({ release: () => undefined });

/** An export of which the first read has succeeded. */
export interface EventExport {
  /** The end of the log when the export began, and of the export. */
  readonly head: LogHead;
  /** Reads from the database as fast as its consumer reads. It fails if a read fails; destroying it ends the reads. */
  readonly stream: Readable;
}

/** Exports events as a stream, page by page, so that the size of the log does not matter. */
@Injectable()
export class EventExporter {
  constructor(
    private readonly databases: Databases,
    private readonly search: EventSearchRepository,
    private readonly heads: CatalogHeadRepository,
    private readonly cuts: LogCutRepository = new LogCutRepository(),
    @Optional() private readonly pageSize = PAGE_SIZE,
  ) {}

  /**
   * Begins an export of the events that a filter selects.
   * @param turn runs the work; its signal makes the stream fail
   * @param enter called before each page is read: a place is held only while a page is read, so a client that does not read
   * holds none
   * @throws RevisionUnknownError when the lower bound is above the head
   * @throws RevisionCompactedError when requested events are no longer retained
   * @throws StoreUnavailableError
   */
  async begin(
    filter: EventFilter,
    order: EventOrder,
    format: ExportFormat,
    turn: Turn,
    enter: EnterPlace = NO_PLACES,
  ): Promise<EventExport> {
    const { head, span } = await readSnapshot(this.databases, async em => {
      const { head, cut } = await this.bounds(em, filter);
      const { after, before } = await this.search.spanOf(em, filter);
      return {
        head,
        span: { after: Math.max(after, oldestOf(cut)), before: Math.min(before, head.revision + 1) },
      };
    });
    return { head, stream: Readable.from(this.chunks(format, this.pages(filter, order, span, turn, enter), turn)) };
  }

  /**
   * The head with which an export would begin now, without beginning one.
   * @throws RevisionUnknownError, RevisionCompactedError, StoreUnavailableError
   */
  async headFor(filter: EventFilter): Promise<LogHead> {
    return await readSnapshot(this.databases, async em => (await this.bounds(em, filter)).head);
  }

  private async bounds(em: EntityManager, filter: EventFilter): Promise<{ head: LogHead; cut: LogCut | undefined }> {
    const head = await this.heads.read(em);
    const cut = await this.cuts.find(em);
    assertReachedSpan(filter, head);
    assertRetainedSpan(filter, cut);
    return { head, cut };
  }

  private async *chunks(format: ExportFormat, pages: AsyncIterable<LogEvent[]>, turn: Turn): AsyncGenerator<string> {
    const header = headerOf(format);
    if (header !== '') yield header;
    let chunk = '';
    for await (const page of pages) {
      for (const event of page) {
        if (turn.isOver) await turn.next();
        chunk += linesOf(format, [event]);
        if (chunk.length < CHUNK_LENGTH) continue;
        yield chunk;
        chunk = '';
      }
    }
    if (chunk !== '') yield chunk;
    turn.end();
  }

  /**
   * Each page is read in a transaction of its own, which needs no common snapshot because events below the head never change.
   * If compaction removes events meanwhile, the export fails instead of leaving them out.
   */
  private async *pages(
    filter: EventFilter,
    order: EventOrder,
    span: RemainingSpan,
    turn: Turn,
    enter: EnterPlace,
  ): AsyncGenerator<LogEvent[]> {
    for (let rest: RemainingSpan | undefined = span; rest;) {
      const from: RemainingSpan = rest;
      turn.end();
      const place = await enter();
      let step;
      try {
        const reading = readSnapshot(this.databases, async em => {
          await this.cuts.assertRetained(em, from.after);
          return await this.search.step(em, filter, order, from, this.pageSize);
        });
        step = await turn.waitFor(reading);
      } finally {
        place.release();
      }
      yield step.events;
      rest = step.rest;
    }
  }
}
