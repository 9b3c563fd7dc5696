import { CatalogView, type InstanceView, toInstanceView } from '@coordination/catalog';
import { Injectable } from '@nestjs/common';
import { FreshReads } from './freshness/fresh-reads.js';
import { instancesPoll, NAMESPACES_POLL } from './freshness/poll-query.js';
import { EVENTUAL } from './freshness/read-consistency.js';
import { LARGE_WORK } from './large-work.js';
import { type ListPosition } from './listing/list-cursor.js';
import { isWhole, type ListQuery } from './listing/list-query.js';
import { MemoryPlaces } from './memory-places.js';
import { type CatalogVersion, revisionTag } from './responses/catalog-version.js';
import { ViewAnswers } from './responses/view-answers.js';
import { type Found } from './responses/view-json.js';
import { type CatalogSearch } from './search/catalog-search.js';
import { CatalogSearches, type SearchFound } from './search/catalog-searches.js';
import { FilteredServices } from './search/filtered-services.js';
import { patternMeter } from './selection/pattern-meter.js';
import { isEverything, matcher, type Selection } from './selection/selection.js';

/** Instances of a service to read. */
export interface ServiceQuery {
  readonly namespace: string;
  readonly service: string;
  readonly selection: Selection;
}

/** The selected instances of a service. */
export interface ServiceRead {
  /** The last revision that touched the service. */
  readonly revision: number;
  /** Identifies the state of the service on all nodes, for conditional requests: an ETag without quotes. */
  readonly tag: string;
  /** By instanceId; undefined when the client has this state already. */
  readonly instances: readonly InstanceView[] | undefined;
}

/**
 * Reads the present catalog from the view of this node. Every method waits first until the view meets the required
 * consistency, and fails as {@link FreshReads} does if it does not (StartingError, StaleViewError, ViewBehindError,
 * RevisionUnknownError, RateLimitedError, StoreUnavailableError).
 */
@Injectable()
export class DiscoveryService {
  constructor(
    private readonly view: CatalogView,
    private readonly searches: CatalogSearches,
    private readonly filtered: FilteredServices,
    private readonly fresh: FreshReads,
    private readonly places: MemoryPlaces,
    private readonly answers: ViewAnswers,
  ) {}

  /** The namespaces that have instances. */
  listNamespaces(consistency = EVENTUAL): Promise<Found> {
    return this.fresh.fromView(
      consistency,
      () => this.answers.whole.namespaceList(),
      () => NAMESPACES_POLL,
    );
  }

  /**
   * The services of a namespace that have selected instances.
   * @throws InvalidFilterError for patterns that would have to be tried on too many texts
   */
  async listServices(namespace: string, selection: Selection, consistency = EVENTUAL): Promise<Found> {
    if (!isEverything(selection)) return await this.filtered.list(namespace, selection, consistency);
    await this.fresh.untilFresh(consistency, () => instancesPoll({ namespace, service: null }, selection));
    const { whole } = this.answers;
    const isLarge = () => this.view.services(namespace).size > LARGE_WORK && !whole.keepsServiceList(namespace);
    const read = () => this.fresh.made(() => whole.serviceList(namespace), consistency);
    return await this.places.once(namespace, isLarge, read);
  }

  /**
   * The instances of a service, or the first page of them.
   * @throws InvalidFilterError for patterns that are too costly
   */
  async listInstances(query: ListQuery, consistency = EVENTUAL): Promise<Found> {
    await this.fresh.untilFresh(consistency, () => instancesPoll(query, query.selection));
    const read = () => this.fresh.made(() => this.answers.instances(query), consistency);
    if (!this.needsPlace(query)) return await read();
    return await this.places.once(keyOf(query), () => this.needsPlace(query), read);
  }

  /** Whether {@link listInstances} would have to wait for a place. @param after the instanceId after which a page begins */
  needsPlace(query: ListQuery, after?: string): boolean {
    if (this.view.instancesOf(query.namespace, query.service).size <= LARGE_WORK) return false;
    return !(isWhole(query.part) ? this.answers.whole : this.answers.parts).keepsList(query, after);
  }

  /**
   * Does the same without waiting, for requests that require no consistency; undefined if the list has to be made first, and
   * that takes long.
   * @throws InvalidFilterError for patterns that are too costly
   */
  listInstancesNow(query: ListQuery): Found | undefined {
    return this.fresh.atOnce(() => this.answers.instances(query));
  }

  /**
   * A later page of the instances of a service, at the revision of the first one; undefined when the service has changed
   * since, so that only the log has that revision.
   * @throws RevisionUnknownError when the first page was of a history that has ended
   * @throws InvalidFilterError for patterns that are too costly
   */
  async laterPage(query: ListQuery, { at, after }: ListPosition): Promise<Found | undefined> {
    await this.fresh.untilFresh({ ...EVENTUAL, minRevision: at });
    if (this.view.serviceRevision(query.namespace, query.service) === at) {
      const read = () => this.fresh.made(() => this.answers.parts.listPart(query, after), EVENTUAL);
      const found = await this.places.once(keyOf(query, after), () => this.needsPlace(query, after), read);
      // The service may have changed while the page was made. A past revision is not stale.
      if (found.revision === at) return { ...found, catalog: { ...found.catalog, revision: at, stalenessSeconds: 0 } };
    } else if (this.needsPlace(query, after)) {
      await this.places.enter();
    }
    await this.answers.parts.restoreListing(query, at);
    return undefined;
  }

  /**
   * One page of a search.
   * @param isKnown whether the client has the page of a state of the catalog already
   * @throws InvalidCursorError
   */
  searchInstances(
    search: CatalogSearch,
    isKnown: (catalog: CatalogVersion) => boolean,
    consistency = EVENTUAL,
  ): Promise<SearchFound> {
    return this.searches.page(search, isKnown, consistency);
  }

  /**
   * The selected instances of a service as objects, for wire protocols with formats of their own. A long poll is a read with
   * `consistency.wait`.
   * @param isKnown whether the client has the state of this tag already
   * @throws InvalidFilterError for patterns that are too costly
   */
  async readService(
    { namespace, service, selection }: ServiceQuery,
    consistency = EVENTUAL,
    isKnown: (tag: string) => boolean = () => false,
  ): Promise<Found<ServiceRead>> {
    const read = (): ServiceRead => {
      const revision = this.view.serviceRevision(namespace, service) ?? this.view.revision;
      const tag = revisionTag(this.view.position?.epoch ?? '', revision);
      if (isKnown(tag)) return { revision, tag, instances: undefined };
      const records = [...this.view.instancesOf(namespace, service).values()];
      const instances = records
        .filter(matcher(selection, patternMeter()))
        .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
        .map(toInstanceView);
      return { revision, tag, instances };
    };
    await this.fresh.untilFresh(consistency, () => instancesPoll({ namespace, service }, selection));
    if (this.view.instancesOf(namespace, service).size > LARGE_WORK) await this.places.enter();
    return this.fresh.now(read, consistency);
  }
}

/** The same for queries with the same response. */
const keyOf = (query: ListQuery, after?: string): string => JSON.stringify([query, after]);
