import { type CatalogView, type ChangeFeed, type InstanceRecord } from '@coordination/catalog';
import { patternMeter } from '../selection/pattern-meter.js';
import { matcherBesideStatus, statusTest } from '../selection/selection.js';
import { countStatuses, sorted } from '../summary/service-summary.js';
import { type ListQuery } from './list-query.js';
import { type Listing, listingName, type Listings } from './listings.js';

/** The instances of a service, by instanceId. */
type Instances = ReadonlyMap<string, InstanceRecord>;

/** The newest changes. */
type Changes = Pick<ChangeFeed, 'after'>;

const EMPTY: Listing = { counts: countStatuses([]), ids: [] };

/** Listings of services as the view has them now, and had them a moment ago. */
export class ViewListings {
  /** The ids of each service, sorted: most changes keep them, and sorting costs more than everything else. */
  private readonly ids = new WeakMap<Instances, readonly string[]>();

  constructor(
    private readonly view: CatalogView,
    private readonly listings: Listings,
    private readonly changes: Changes,
  ) {}

  /**
   * The listing of a service as it is now.
   * @param revision the revision of the service
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  now(query: ListQuery, revision: number): Listing {
    const instances = this.view.instancesOf(query.namespace, query.service);
    // Unknown names are not cached: clients can make up any number of them.
    if (instances.size === 0) return EMPTY;
    const name = this.nameOf(query, revision);
    return this.listings.get(name, () => listingOf(query, instances, this.sortedIds(instances)));
  }

  /**
   * Puts the listing of a service as it was at a revision into the cache, if the changes since are in memory. The log then
   * need not be scanned for all instances that the service ever had.
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  restore(query: ListQuery, revision: number): void {
    const name = this.nameOf(query, revision);
    const changes = this.listings.has(name) ? undefined : this.changes.after(revision);
    if (!changes) return;
    this.listings.get(name, () => {
      const instances = new Map(this.view.instancesOf(query.namespace, query.service));
      for (const { namespace, service, before, after } of changes.toReversed()) {
        if (namespace !== query.namespace || service !== query.service) continue;
        if (before) instances.set(before.instanceId, before);
        else if (after) instances.delete(after.instanceId);
      }
      return listingOf(query, instances, sorted(instances.keys()));
    });
  }

  private nameOf(query: ListQuery, revision: number): string {
    return listingName(this.view.position?.epoch ?? '', revision, query);
  }

  private sortedIds(instances: Instances): readonly string[] {
    const known = this.ids.get(instances);
    if (known?.length === instances.size && known.every(id => instances.has(id))) return known;
    const ids = sorted(instances.keys());
    this.ids.set(instances, ids);
    return ids;
  }
}

function listingOf({ selection }: ListQuery, instances: Instances, ids: readonly string[]): Listing {
  const matches = matcherBesideStatus(selection, patternMeter());
  const hasStatus = statusTest(selection);
  const matching = ids.filter(id => matches(instances.get(id)!));
  return {
    counts: countStatuses(matching.map(id => instances.get(id)!.status)),
    ids: matching.filter(id => hasStatus(instances.get(id)!.status)),
  };
}
