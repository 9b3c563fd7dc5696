import { type CatalogView, type ChangeFeed, type InstanceRecord } from '@coordination/catalog';
import { patternMeter } from '../selection/pattern-meter.js';
import { matcherBesideStatus, statusTest } from '../selection/selection.js';
import { countStatuses, sorted } from '../search/service-summary.js';
import { type ListQuestion } from './list-question.js';
import { type Listing, listingName, type Listings } from './listings.js';

/** The instances of a service, by instanceId. */
type Instances = ReadonlyMap<string, InstanceRecord>;

/** The newest changes. */
type Changes = Pick<ChangeFeed, 'after'>;

const NOTHING: Listing = { counts: countStatuses([]), ids: [] };

/** Listings of what the view has now, and had a moment ago. */
export class ViewListings {
  /** The ids of each service, in order: most changes leave them as they are, and sorting costs more than all the rest. */
  private readonly ids = new WeakMap<Instances, readonly string[]>();

  constructor(
    private readonly view: CatalogView,
    private readonly listings: Listings,
    private readonly changes: Changes,
  ) {}

  /**
   * The listing of what a service is now.
   * @param revision that of the service
   * @throws InvalidFilterError for patterns that are too costly for as many instances
   */
  now(question: ListQuestion, revision: number): Listing {
    const instances = this.view.instancesOf(question.namespace, question.service);
    // Nothing is kept for names that anybody can make up.
    if (instances.size === 0) return NOTHING;
    const name = this.nameOf(question, revision);
    return this.listings.get(name, () => listingOf(question, instances, this.sortedIds(instances)));
  }

  /**
   * Sees to it that the listing of what a service was at a revision is kept, as far as the newest changes tell. Others then
   * need not look for all instances that the service ever had.
   * @throws InvalidFilterError for patterns that are too costly for as many instances
   */
  recall(question: ListQuestion, revision: number): void {
    const name = this.nameOf(question, revision);
    const changes = this.listings.has(name) ? undefined : this.changes.after(revision);
    if (!changes) return;
    this.listings.get(name, () => {
      const instances = new Map(this.view.instancesOf(question.namespace, question.service));
      for (const { namespace, service, before, after } of changes.toReversed()) {
        if (namespace !== question.namespace || service !== question.service) continue;
        if (before) instances.set(before.instanceId, before);
        else if (after) instances.delete(after.instanceId);
      }
      return listingOf(question, instances, sorted(instances.keys()));
    });
  }

  private nameOf(question: ListQuestion, revision: number): string {
    return listingName(this.view.position?.epoch ?? '', revision, question);
  }

  private sortedIds(instances: Instances): readonly string[] {
    const known = this.ids.get(instances);
    if (known?.length === instances.size && known.every(id => instances.has(id))) return known;
    const ids = sorted(instances.keys());
    this.ids.set(instances, ids);
    return ids;
  }
}

function listingOf({ selection }: ListQuestion, instances: Instances, ids: readonly string[]): Listing {
  const matches = matcherBesideStatus(selection, patternMeter());
  const hasStatus = statusTest(selection);
  const meant = ids.filter(id => matches(instances.get(id)!));
  return {
    counts: countStatuses(meant.map(id => instances.get(id)!.status)),
    ids: meant.filter(id => hasStatus(instances.get(id)!.status)),
  };
}
