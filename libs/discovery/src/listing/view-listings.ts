import { patternMeter } from '../selection/pattern-meter.js';
import { matcherBesideStatus, statusTest } from '../selection/selection.js';
import { countStatuses, sorted } from '../service-summary.js';
import { type CatalogView } from '../view/catalog-view.js';
import { type ListQuestion } from './list-question.js';
import { type Listing, type Listings, listingName } from './listings.js';

/** The instances of a service, as the view holds them. */
type Instances = ReturnType<CatalogView['instancesOf']>;

const NOTHING: Listing = { counts: countStatuses([]), ids: [] };

/** Listings of what the view has now. */
export class ViewListings {
  /** The ids of each service, in order: most changes leave them as they are, and sorting costs more than all the rest. */
  private readonly ids = new WeakMap<Instances, readonly string[]>();

  constructor(
    private readonly view: CatalogView,
    private readonly listings: Listings,
  ) {}

  /**
   * @param revision that of the service
   * @throws InvalidFilterError for patterns that are too costly for as many instances
   */
  of(question: ListQuestion, revision: number): Listing {
    // Nothing is kept for names that anybody can make up.
    if (this.view.instancesOf(question.namespace, question.service).size === 0) return NOTHING;
    const epoch = this.view.position?.epoch ?? '';
    return this.listings.get(listingName(epoch, revision, question), () => this.make(question));
  }

  private make({ namespace, service, selection }: ListQuestion): Listing {
    const instances = this.view.instancesOf(namespace, service);
    const matches = matcherBesideStatus(selection, patternMeter());
    const hasStatus = statusTest(selection);
    const meant = this.sortedIds(instances).filter(id => matches(instances.get(id)!));
    return {
      counts: countStatuses(meant.map(id => instances.get(id)!.status)),
      ids: meant.filter(id => hasStatus(instances.get(id)!.status)),
    };
  }

  private sortedIds(instances: Instances): readonly string[] {
    const known = this.ids.get(instances);
    if (known?.length === instances.size && known.every(id => instances.has(id))) return known;
    const ids = sorted(instances.keys());
    this.ids.set(instances, ids);
    return ids;
  }
}
