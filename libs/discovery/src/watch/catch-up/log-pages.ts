import { Inject, Injectable, Optional } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { weightOf } from '@coordination/catalog';
import { logPagesBound } from '../../kept-shares.js';
import { LogSegmentReader } from './log-segment-reader.js';
import { type LogSegment } from './log-segment.js';

/** Revisions of a page: enough to catch up fast, few enough to be read and parsed in some milliseconds. */
const PAGE_SIZE = 200;

/** The most bytes of pages that are cached, roughly, where there is no memory budget. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Size of a page without its changes (bytes). */
const PAGE_BYTES = 1_000;

/**
 * The log in cached pages, which begin at fixed revisions so that watches can share them. When a node has restarted, all its
 * watchers reconnect at about the same revision, and one statement serves them all. Events below the head never change.
 */
@Injectable()
export class LogPages {
  private readonly pages: LRUCache<string, LogSegment, number>;

  constructor(
    @Inject(LogSegmentReader) reader: Pick<LogSegmentReader, 'read'>,
    @Optional() private readonly pageSize = PAGE_SIZE,
    @Optional() @Inject(logPagesBound) maxBytes = MAX_BYTES,
  ) {
    this.pages = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ changes }) => changes.reduce((sum, change) => sum + weightOf(change), PAGE_BYTES),
      fetchMethod: (_key, _old, { context: start }) => reader.read(start, this.pageSize),
      // Callers get their page also when it was evicted meanwhile.
      ignoreFetchAbort: true,
    });
  }

  /**
   * A segment that contains a revision or begins after it, as a reader of an epoch needs it.
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
