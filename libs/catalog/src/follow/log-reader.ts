import { type LogEvent, type CatalogHeadRepository, hasMoved, type ServiceEventRepository } from '@coordination/log';
import { type Databases, readSnapshot } from '@coordination/database';
import { type Clock } from '@coordination/kernel';
import { type ViewHead } from '../view/catalog-view.js';

/** Events per page: enough to catch up fast, few enough not to hold the event loop up. */
const DEFAULT_PAGE_SIZE = 500;

/** How long one statement of a look may take (ms): a look is quick, or the connection is bad. */
const LOOK_TIMEOUT_MS = 3_000;

/** What one look at the log tells: its head, and the events from a revision on, both of one snapshot. */
export interface LogPage {
  readonly head: ViewHead;
  readonly events: readonly LogEvent[];
  /** Monotonic time (ms) before the look was sent: the page says what was so at some moment after it. */
  readonly sentAtMs: number;
  /** Whether the catalog has come to another server than it was last written on, and nobody has vouched for it yet. */
  readonly elsewhere?: boolean;
}

/** Looks at the log on the connection that nobody but the view uses, so that slow searches cannot make it stale. */
export class LogReader {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly events: ServiceEventRepository,
    private readonly clock: Clock,
    private readonly pageSize = DEFAULT_PAGE_SIZE,
  ) {}

  /**
   * The head, and the oldest events after a revision.
   * @throws StoreUnavailableError when the database cannot be read
   */
  async readAfter(revision: number): Promise<LogPage> {
    const sentAtMs = this.clock.monotonicMs();
    const look = { purpose: 'view', timeoutMs: LOOK_TIMEOUT_MS } as const;
    return await readSnapshot(
      this.databases,
      async em => {
        const { written, server, ...head } = await this.heads.readWithServer(em);
        const isNews = head.revision > revision;
        const events = isNews ? await this.events.findAfter(em, revision, this.pageSize) : [];
        return { head, events, sentAtMs, elsewhere: hasMoved({ written, server }) };
      },
      look,
    );
  }
}
