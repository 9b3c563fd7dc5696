import { SortedValues } from '@coordination/kernel';
import { type CatalogView, type ChangeFeed, type InstanceRecord } from '@coordination/catalog';
import { type Scheduler } from '@coordination/scheduling';
import { countStatuses, sorted } from '../summary/service-summary.js';
import { type ListQuery } from './list-query.js';
import { type Listing, listingName, type Listings } from './listings.js';
import { type Selected, selectInTurns, selectNow } from './select.js';

/** The newest changes. */
type Changes = Pick<ChangeFeed, 'after'>;

/** Listings of services as the view has them now, and had them a moment ago. */
export class ViewListings {
  private readonly sortedInstances = new SortedValues();

  constructor(
    private readonly view: CatalogView,
    private readonly listings: Listings,
    private readonly changes: Changes,
    private readonly scheduler: Scheduler,
  ) {}

  /** The instances of a service as it is now, by instanceId. */
  instances({ namespace, service }: Pick<ListQuery, 'namespace' | 'service'>): readonly InstanceRecord[] {
    return this.sortedInstances.of(this.view.instancesOf(namespace, service));
  }

  /**
   * The listing of a service as it is now.
   * @param revision the revision of the service
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  now(query: ListQuery, revision: number): Listing {
    // Unknown names are not cached: clients can make up any number of them.
    if (this.view.instancesOf(query.namespace, query.service).size === 0) return EMPTY;
    const name = this.nameOf(query, revision);
    return this.listings.get(name, () => toListing(selectNow(this.instances(query), query.selection)));
  }

  /** The listing of a service at a revision, if it is cached. */
  known(query: ListQuery, revision: number): Listing | undefined {
    return this.listings.find(this.nameOf(query, revision));
  }

  /** How to cache the listing of a service at its present revision, which may be an earlier one when it is made. */
  keeper(query: ListQuery, revision: number): (selected: Selected) => Listing {
    const name = this.nameOf(query, revision);
    return selected => this.listings.get(name, () => toListing(selected));
  }

  /**
   * Puts the listing of a service as it was at a revision into the cache, if the changes since are in memory. The log then
   * need not be scanned for all instances that the service ever had.
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  async restore(query: ListQuery, revision: number): Promise<void> {
    const name = this.nameOf(query, revision);
    if (this.listings.has(name)) return;
    const turn = this.scheduler.begin({ workClass: 'heavy' });
    await turn.next();
    const changes = this.nameOf(query, revision) === name ? this.changes.after(revision) : undefined;
    if (!changes) return;
    const instances = new Map(this.view.instancesOf(query.namespace, query.service));
    for (const { namespace, service, before, after } of changes.toReversed()) {
      if (namespace !== query.namespace || service !== query.service) continue;
      if (before) instances.set(before.instanceId, before);
      else if (after) instances.delete(after.instanceId);
    }
    await this.listings.fetch(name, async () => {
      const records = sorted(instances.keys()).map(id => instances.get(id)!);
      return toListing(await selectInTurns(records, query.selection, turn));
    });
  }

  private nameOf(query: ListQuery, revision: number): string {
    return listingName(this.view.position?.epoch ?? '', revision, query);
  }
}

const EMPTY: Listing = { counts: countStatuses([]), ids: [] };

const toListing = ({ counts, records }: Selected): Listing => ({
  counts,
  ids: records.map(({ instanceId }) => instanceId),
});
