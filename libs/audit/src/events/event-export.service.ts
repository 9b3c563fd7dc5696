import { Readable } from 'node:stream';
import { type Databases, readSnapshot } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import {
  assertReachedSpan,
  assertRetainedSpan,
  type CatalogHeadRepository,
  type EventFilter,
  type EventOrder,
  type EventSearchRepository,
  type ExportFormat,
  headerOf,
  linesOf,
  type LogCut,
  LogCutRepository,
  type LogEvent,
  type LogHead,
  oldestOf,
  type RestOfSpan,
} from '@coordination/log';

/** Events that one transaction reads. */
const PAGE_SIZE = 500;

/** Events that are handed on at once; they may be of any size. */
const CHUNK_EVENTS = 50;

/** An export that can begin: the database has answered. */
export interface EventExport {
  /** Where the log ended when the export began; it goes no further. */
  readonly head: LogHead;
  /** Reads on as fast as it is read, and no faster. It fails when the database does; destroying it ends the reading. */
  readonly stream: Readable;
}

/** Writes the log out, however long it is, a page at a time. */
export class EventExporter {
  constructor(
    private readonly databases: Databases,
    private readonly search: EventSearchRepository,
    private readonly heads: CatalogHeadRepository,
    private readonly pageSize = PAGE_SIZE,
    private readonly cuts = new LogCutRepository(),
  ) {}

  /**
   * Begins an export of the events that a filter selects.
   * @throws RevisionUnknownError when it is asked for after a revision that the log does not reach
   * @throws RevisionCompactedError when what is asked for lies before what is retained
   * @throws StoreUnavailableError
   */
  async begin(filter: EventFilter, order: EventOrder, format: ExportFormat): Promise<EventExport> {
    const { head, span } = await readSnapshot(this.databases, async em => {
      const { head, cut } = await this.bounds(em, filter);
      const { after, before } = await this.search.spanOf(em, filter);
      return {
        head,
        span: { after: Math.max(after, oldestOf(cut)), before: Math.min(before, head.revision + 1) },
      };
    });
    return { head, stream: Readable.from(this.chunks(filter, order, format, span)) };
  }

  /**
   * Where an export would end that began now, without beginning one.
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

  private async *chunks(filter: EventFilter, order: EventOrder, format: ExportFormat, span: RestOfSpan) {
    const header = headerOf(format);
    if (header !== '') yield header;
    for await (const page of this.pages(filter, order, span)) {
      for (let start = 0; start < page.length; start += CHUNK_EVENTS) {
        yield linesOf(format, page.slice(start, start + CHUNK_EVENTS));
      }
    }
  }

  /**
   * Every page is a transaction of its own: what is below the head never changes, so no snapshot is needed. It may be
   * removed, though; then the export fails rather than leave something out.
   */
  private async *pages(filter: EventFilter, order: EventOrder, span: RestOfSpan): AsyncGenerator<LogEvent[]> {
    for (let rest: RestOfSpan | undefined = span; rest;) {
      const from: RestOfSpan = rest;
      const step = await readSnapshot(this.databases, async em => {
        await this.cuts.assertRetained(em, from.after);
        return await this.search.step(em, filter, order, from, this.pageSize);
      });
      yield step.events;
      rest = step.rest;
    }
  }
}
