import { CatalogHeadRepository, hasMoved, type LogEvent, ServiceEventRepository } from '@coordination/log';
import { Databases, readSnapshot } from '@coordination/database';
import { Clock } from '@coordination/kernel';
import { Injectable, Optional } from '@nestjs/common';
import { type ViewHead } from '../view/catalog-view.js';

/** Events per page: enough to catch up fast, few enough not to block the event loop. */
const DEFAULT_PAGE_SIZE = 500;

/** How long one statement of a poll may take (ms): it is quick unless the connection is bad. */
const POLL_TIMEOUT_MS = 3_000;

/** What one poll of the log returns: the head, and the events after a revision, both from one snapshot. */
export interface LogPage {
  readonly head: ViewHead;
  readonly events: readonly LogEvent[];
  /** Monotonic time (ms) before the query was sent: the page was true at some moment after it. */
  readonly sentAtMs: number;
  /** Whether the catalog has moved to another server than it was last written on, and no node has confirmed it yet. */
  readonly hasMoved?: boolean;
}

/** Reads the log on the connection that is reserved for the view, so that slow searches cannot make the view stale. */
@Injectable()
export class LogReader {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly events: ServiceEventRepository,
    private readonly clock: Clock,
    @Optional() private readonly pageSize = DEFAULT_PAGE_SIZE,
  ) {}

  /**
   * The head, and the oldest events after a revision.
   * @throws StoreUnavailableError when the database cannot be read
   */
  async readAfter(revision: number): Promise<LogPage> {
    const sentAtMs = this.clock.monotonicMs();
    return await readSnapshot(
      this.databases,
      async em => {
        const { written, server, ...head } = await this.heads.readWithServer(em);
        const isNews = head.revision > revision;
        const events = isNews ? await this.events.findAfter(em, revision, this.pageSize) : [];
        return { head, events, sentAtMs, hasMoved: hasMoved({ written, server }) };
      },
      { purpose: 'view', timeoutMs: POLL_TIMEOUT_MS },
    );
  }
}
