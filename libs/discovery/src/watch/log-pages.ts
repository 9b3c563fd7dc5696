import { LRUCache } from 'lru-cache';
import { type CatalogHeadRepository, type ServiceEventRepository } from '@coordination/log';
import { type Databases, readSnapshot } from '@coordination/database';
import { weightOf } from '@coordination/catalog';
import { type LogSegment, toStretch } from './log-segment.js';

/** Revisions of a page: enough to catch up fast, few enough to be read and parsed in some milliseconds. */
const PAGE_SIZE = 200;

/** The most bytes of pages that are kept, roughly. */
const MAX_BYTES = 32 * 1024 * 1024;

/** What a page costs besides its changes (bytes). */
const PAGE_BYTES = 1_000;

/** Reads the events after a revision, oldest first, with the head, in one snapshot. */
export type ReadStretch = (after: number, limit: number) => Promise<LogSegment>;

/** @throws StoreUnavailableError (what it gives) when the database cannot be read */
export const stretchReader =
  (databases: Databases, heads: CatalogHeadRepository, events: ServiceEventRepository): ReadStretch =>
  (after, limit) =>
    readSnapshot(databases, async em => {
      const head = await heads.read(em);
      return toStretch(after, head, await events.findAfter(em, after, limit));
    });

/**
 * The log in pages. What begins at the same places can be shared: when a node has started again, all its watchers come
 * back at about the same revision, and one statement serves them all. What is below the head never changes.
 */
export class LogPages {
  private readonly pages: LRUCache<string, LogSegment, number>;

  constructor(
    reader: ReadStretch,
    private readonly pageSize = PAGE_SIZE,
    maxBytes = MAX_BYTES,
  ) {
    this.pages = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ changes }) => changes.reduce((sum, change) => sum + weightOf(change), PAGE_BYTES),
      fetchMethod: (_key, _old, { context: start }) => reader(start, this.pageSize),
      // Somebody waits for it, be it pushed out meanwhile or not.
      ignoreFetchAbort: true,
    });
  }

  /**
   * A stretch in which a revision lies, or which begins after it, as somebody in an epoch needs it.
   * @throws StoreUnavailableError
   */
  async around(revision: number, epoch: string): Promise<LogSegment> {
    const start = revision - (revision % this.pageSize);
    const key = `${epoch} ${start}`;
    const page = await this.pages.fetch(key, { context: start });
    // The last page grows.
    const isNews = page !== undefined && (page.upTo > revision || page.endsEpoch);
    const found = isNews ? page : await this.pages.fetch(key, { context: start, forceRefresh: true });
    return found!;
  }
}
