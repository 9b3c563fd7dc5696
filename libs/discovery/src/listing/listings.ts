import { LRUCache } from 'lru-cache';
import { type StatusCounts } from '../search/service-summary.js';
import { type ListQuestion } from './list-question.js';

/** Which instances a service's list has at one of its revisions. It never changes. */
export interface Listing {
  /** Of all instances that are selected but for their status. */
  readonly counts: StatusCounts;
  /** The instanceIds of the selected instances, in order. */
  readonly ids: readonly string[];
}

/** How many characters of listings are kept, roughly. */
const DEFAULT_MAX_LENGTH = 16 * 1024 * 1024;

/** What a listing costs besides its characters, and an id besides its own. */
const ENTRY_OVERHEAD = 512;
const ID_OVERHEAD = 16;

/**
 * Keeps listings, so that a page costs no look at the instances that are not on it. They have names only: the instances
 * are where they always are, in the view or in the log, and nothing here keeps old ones of them in memory.
 */
export class Listings {
  private readonly kept: LRUCache<string, Listing, () => Promise<Listing>>;

  constructor(maxLength = DEFAULT_MAX_LENGTH) {
    this.kept = new LRUCache({
      maxSize: maxLength,
      sizeCalculation: ({ ids }, key) =>
        ids.reduce((sum, id) => sum + id.length + ID_OVERHEAD, key.length + ENTRY_OVERHEAD),
      // Whoever waits for a listing gets it, also when it is not kept.
      ignoreFetchAbort: true,
      fetchMethod: (_key, _old, { context }) => context(),
    });
  }

  has(name: string): boolean {
    return this.kept.has(name);
  }

  /** The listing of this name, made at once if it is not known. */
  get(name: string, make: () => Listing): Listing {
    const known = this.kept.get(name);
    if (known) return known;
    const listing = make();
    this.kept.set(name, listing);
    return listing;
  }

  /** The same where it takes time; those who ask meanwhile wait for the same one. */
  async fetch(name: string, make: () => Promise<Listing>): Promise<Listing> {
    return await this.kept.forceFetch(name, { context: make });
  }
}

/** Names the listing of a question at a revision of the service, in a history. */
export const listingName = (epoch: string, revision: number, { namespace, service, selection }: ListQuestion): string =>
  JSON.stringify([epoch, revision, namespace, service, selection]);

/** The names of one page: those after one, or the first; all without a limit. */
export function pageOf(ids: readonly string[], limit: number | null, after: string | undefined) {
  const start = after === undefined ? 0 : indexAfter(ids, after);
  const page = start === 0 && limit === null ? ids : ids.slice(start, limit === null ? undefined : start + limit);
  return { page, hasMore: start + page.length < ids.length };
}

/** By bisection. */
function indexAfter(ids: readonly string[], after: string): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
