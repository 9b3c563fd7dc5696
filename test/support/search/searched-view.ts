import { type CatalogView, ChangeFeed, type InstanceRecord, ReadBarrier } from '@coordination/catalog';
import { EVENTUAL, type ReadConsistency } from '@coordination/discovery';
import {
  type CatalogSearch,
  CatalogSearches,
  EVERYTHING,
  FilteredServices,
  FreshReads,
  InstanceOrders,
  LongPolls,
  type SearchLimits,
} from '@coordination/discovery/testing';
import { type Clock, StoreUnavailableError, systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';

/** A clock by which time passes whenever it is looked at, so that slices are short however fast the machine is. */
export function clockOfLooks(msPerLook: number): Clock {
  let time = 0;
  return { now: () => systemClock.now(), monotonicMs: () => (time += msPerLook) };
}

/** A page of a search, parsed, with the revision that its headers name. */
export interface ParsedPage {
  readonly revision: number;
  readonly items: readonly InstanceRecord[];
  readonly nextCursor: string | null;
}

export const aSearch = (differing: Partial<CatalogSearch> = {}): CatalogSearch => ({
  namespace: null,
  service: null,
  selection: EVERYTHING,
  sort: 'service',
  order: 'asc',
  limit: 100,
  cursor: undefined,
  ...differing,
});

const unavailable = { current: () => Promise.reject(new StoreUnavailableError()), queries: 0 };

/** Work that no request asks for needs no place. */
const OUTSIDE_REQUESTS = {
  enter: () => Promise.resolve(),
  once: async <Result>(_key: string, _isNeeded: () => boolean, work: () => Result | Promise<Result>) => await work(),
};

/** The parts that answer searches, over a view. */
export function searchedView(
  view: CatalogView,
  { clock = systemClock, limits }: { readonly clock?: Clock; readonly limits?: SearchLimits } = {},
) {
  const metrics = new Metrics();
  const scheduler = new Scheduler(clock);
  const feed = new ChangeFeed(view, { maxChanges: 1_000, maxBytes: Infinity });
  const polls = new LongPolls(view, feed, scheduler, { max: 100 }, metrics);
  const fresh = new FreshReads(view, new ReadBarrier(view, unavailable, systemClock, metrics, 100), polls);
  const orders = new InstanceOrders(view, scheduler, []);
  const searches = new CatalogSearches(orders, scheduler, fresh, OUTSIDE_REQUESTS, limits);
  const services = new FilteredServices(view, orders, scheduler, fresh, OUTSIDE_REQUESTS, limits);

  const page = async (
    differing: Partial<CatalogSearch> = {},
    consistency: ReadConsistency = EVENTUAL,
  ): Promise<ParsedPage> => {
    const { body, catalog } = await searches.page(aSearch(differing), () => false, consistency);
    const parsed = JSON.parse(String(body)) as ParsedPage;
    if (parsed.revision !== catalog.revision) throw new Error('headers and body are of different revisions');
    return parsed;
  };

  /** The pages of a search up to its end. */
  const walk = async (
    differing: Partial<CatalogSearch>,
    between: (page: ParsedPage) => void | Promise<void> = () => undefined,
  ): Promise<ParsedPage[]> => {
    const pages: ParsedPage[] = [];
    let cursor: string | undefined;
    do {
      const found = await page({ ...differing, cursor });
      pages.push(found);
      if (pages.length > 10_000) throw new Error('the walk does not end');
      cursor = found.nextCursor ?? undefined;
      if (cursor !== undefined) await between(found);
    } while (cursor !== undefined);
    return pages;
  };

  return { searches, services, orders, scheduler, page, walk };
}
