import { isInScope } from '@coordination/catalog';
import { currentRequest } from '@coordination/context';
import { type SharedBody } from '@coordination/http';
import { Scheduler, type Turn } from '@coordination/scheduling';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { FreshReads } from '../freshness/fresh-reads.js';
import { instancesPoll } from '../freshness/poll-query.js';
import { type ReadConsistency } from '../freshness/read-consistency.js';
import { type CatalogVersion } from '../responses/catalog-version.js';
import { MemoryPlaces } from '../memory-places.js';
import { ScanTest } from '../selection/scan-test.js';
import { isPatterned } from '../selection/selection.js';
import { type CatalogSearch } from './catalog-search.js';
import { InstanceOrders, type InstanceWalk } from './orders/instance-orders.js';
import { SORT_KEYS } from './orders/sort-keys.js';
import { fromCursor, toCursor } from './search-cursor.js';
import { ScanPace } from './scan-pace.js';
import { SEARCH_LIMITS } from './search-limits.js';
import { SearchPageJson } from './search-page.js';

/** The work of encoding an instance as JSON, in tests of instances. */
const ENCODING_UNITS = 16;

/** The result of a search; without a body when the client has it already. */
export interface SearchFound {
  readonly catalog: CatalogVersion;
  readonly body: string | SharedBody | undefined;
}

/**
 * Searches of the whole catalog, answered from the view in slices of the scheduler. A page shows the catalog at one revision:
 * changes while it is made do not affect it.
 */
@Injectable()
export class CatalogSearches {
  constructor(
    private readonly orders: InstanceOrders,
    private readonly scheduler: Scheduler,
    private readonly fresh: FreshReads,
    @Inject(MemoryPlaces) private readonly places: Pick<MemoryPlaces, 'enter'>,
    @Optional() private readonly limits = SEARCH_LIMITS,
  ) {}

  /**
   * One page of a search.
   * @param isKnown whether the client has the page of a state of the catalog already
   * @throws InvalidCursorError for a cursor of another search, and as {@link FreshReads} does
   * @throws the reason of the signal when it is aborted
   */
  async page(
    search: CatalogSearch,
    isKnown: (catalog: CatalogVersion) => boolean,
    consistency: ReadConsistency,
  ): Promise<SearchFound> {
    const { cursor, selection } = search;
    const after = cursor === undefined ? undefined : fromCursor(search, cursor);
    await this.fresh.untilFresh(consistency, () => instancesPoll(search, selection));
    const { catalog: current } = this.fresh.now(() => ({}), consistency);
    if (isKnown(current)) return { catalog: current, body: undefined };
    await this.places.enter();
    const turn = this.scheduler.begin({ workClass: 'heavy', client: currentRequest()?.clientAddress ?? undefined });
    await turn.next();
    consistency.signal?.throwIfAborted();
    // Within one step, so that both are of one state of the view.
    const read = (walk: InstanceWalk) => this.fresh.now(() => ({ walk }), consistency);
    const { walk, catalog } = await this.orders.read(search, after, { turn, read });
    const body = await this.pageBody(search, walk, { turn, signal: consistency.signal, revision: catalog.revision });
    return { catalog, body };
  }

  private async pageBody(
    search: CatalogSearch,
    { records, endsWithScope }: InstanceWalk,
    {
      turn,
      signal,
      revision,
    }: { readonly turn: Turn; readonly signal: AbortSignal | undefined; readonly revision: number },
  ): Promise<string | SharedBody> {
    const { selection, sort } = search;
    const { positionOf } = SORT_KEYS[sort];
    const test = new ScanTest(selection, this.limits.pageSteps);
    const endsWhenFull = isPatterned(selection);
    const page = new SearchPageJson(search);
    const pace = new ScanPace(turn);
    let lastTested;
    let lastAdded;
    for (;;) {
      if (pace.mustRest) {
        await turn.next();
        signal?.throwIfAborted();
      }
      const record = records.next();
      if (!record) return page.body(revision, null);
      pace.worked(1, test.steps);
      if (!isInScope(search, record)) {
        if (endsWithScope) return page.body(revision, null);
        continue;
      }
      // With patterns, to find out whether there is another one might cost as much as the page.
      if (lastAdded && page.isFull && endsWhenFull) return page.body(revision, toCursor(search, positionOf(lastAdded)));
      if (lastTested && test.isSpent) return page.body(revision, toCursor(search, positionOf(lastTested)));
      lastTested = record;
      if (!test.matches(record)) continue;
      if (lastAdded && page.isFull) return page.body(revision, toCursor(search, positionOf(lastAdded)));
      page.add(record);
      pace.worked(ENCODING_UNITS);
      lastAdded = record;
    }
  }
}
