import { lowerBound } from '@coordination/kernel';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { listingsBound } from '../kept-shares.js';
import { type StatusCounts } from '../summary/service-summary.js';
import { type ListQuery } from './list-query.js';

/** Which instances the list of a service contains at one of its revisions. It never changes. */
export interface Listing {
  /** Of all instances that are selected apart from their status. */
  readonly counts: StatusCounts;
  /** The instanceIds of the selected instances, in order. */
  readonly ids: readonly string[];
}

/** How many characters of listings are cached, roughly, where there is no memory budget. */
const DEFAULT_MAX_LENGTH = 16 * 1024 * 1024;

/** Size of a listing without its characters, and of an id without its own. */
const ENTRY_OVERHEAD = 512;
const ID_OVERHEAD = 16;

/**
 * A cache of listings, so that a page costs nothing for the instances that are not on it. Listings contain ids only: the
 * instances are in the view or in the log, and the cache keeps no old ones in memory.
 */
@Injectable()
export class Listings {
  private readonly cache: LRUCache<string, Listing, () => Promise<Listing>>;

  constructor(@Optional() @Inject(listingsBound) maxLength = DEFAULT_MAX_LENGTH) {
    this.cache = new LRUCache({
      maxSize: maxLength,
      sizeCalculation: ({ ids }, key) =>
        ids.reduce((sum, id) => sum + id.length + ID_OVERHEAD, key.length + ENTRY_OVERHEAD),
      // Callers get their listing also when it was evicted meanwhile.
      ignoreFetchAbort: true,
      fetchMethod: (_key, _old, { context }) => context(),
    });
  }

  has(name: string): boolean {
    return this.cache.has(name);
  }

  find(name: string): Listing | undefined {
    return this.cache.get(name);
  }

  /** The listing of a name, made at once if it is not cached. */
  get(name: string, make: () => Listing): Listing {
    const known = this.cache.get(name);
    if (known) return known;
    const listing = make();
    this.cache.set(name, listing);
    return listing;
  }

  /** The same where it takes time; concurrent callers get the same one. */
  async fetch(name: string, make: () => Promise<Listing>): Promise<Listing> {
    return await this.cache.forceFetch(name, { context: make });
  }
}

/** The name of the listing of a query at a revision of the service, in an epoch. */
export const listingName = (epoch: string, revision: number, { namespace, service, selection }: ListQuery): string =>
  JSON.stringify([epoch, revision, namespace, service, selection]);

/** The ids of one page, and where it starts: those after an id, or the first; all without a limit. */
export function pageOf(ids: readonly string[], limit: number | null, after: string | undefined) {
  const start = after === undefined ? 0 : lowerBound(ids, id => id <= after);
  const page = start === 0 && limit === null ? ids : ids.slice(start, limit === null ? undefined : start + limit);
  return { page, start, hasMore: start + page.length < ids.length };
}
