import { type LogHead } from '@coordination/log';
import { CatalogView, type InstanceView, toInstanceView } from '@coordination/catalog';
import { Injectable } from '@nestjs/common';
import { FreshReads } from './freshness/fresh-reads.js';
import { instancesPoll, NAMESPACES_POLL } from './freshness/poll-query.js';
import { EVENTUAL } from './freshness/read-consistency.js';
import { type ListPosition } from './listing/list-cursor.js';
import { type ListQuery } from './listing/list-query.js';
import { type CatalogVersion, revisionTag } from './responses/catalog-version.js';
import { ViewAnswers } from './responses/view-answers.js';
import { type Found } from './responses/view-json.js';
import { type CatalogSearch } from './search/catalog-search.js';
import { CatalogSearchRepository } from './search/catalog-search.repository.js';
import { searchJson } from './search/search-json.js';
import { patternMeter } from './selection/pattern-meter.js';
import { isEverything, matcher, type Selection } from './selection/selection.js';

/** The result of a search; without a body when the client has it already. */
export interface SearchFound {
  readonly catalog: CatalogVersion;
  readonly body: string | undefined;
}

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
 * Reads the present catalog: one service, or the list of one namespace, from memory, everything else from PostgreSQL. Every
 * method waits first until the data meets the required consistency, and fails as {@link FreshReads} does if it does not
 * (StartingError, StaleViewError, ViewBehindError, RevisionUnknownError, RateLimitedError, StoreUnavailableError).
 */
@Injectable()
export class DiscoveryService {
  constructor(
    private readonly view: CatalogView,
    private readonly search: CatalogSearchRepository,
    private readonly fresh: FreshReads,
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
   * The services of a namespace that have selected instances. PostgreSQL makes every list but the whole one, which would
   * take a scan of all instances here.
   */
  async listServices(namespace: string, selection: Selection, consistency = EVENTUAL): Promise<Found> {
    const poll = () => instancesPoll({ namespace, service: null }, selection);
    if (isEverything(selection)) {
      return await this.fresh.fromView(consistency, () => this.answers.whole.serviceList(namespace), poll);
    }
    await this.fresh.untilStoreReadable(consistency, poll);
    const { head, revision, services } = await this.search.services(namespace, selection);
    this.fresh.assertKnown(consistency, head);
    return { catalog: current(head), revision, body: JSON.stringify({ revision, services }) };
  }

  /**
   * The instances of a service, or the first page of them.
   * @throws InvalidFilterError for patterns that are too costly
   */
  listInstances(query: ListQuery, consistency = EVENTUAL): Promise<Found> {
    return this.fresh.fromView(
      consistency,
      () => this.answers.instances(query),
      () => instancesPoll(query, query.selection),
    );
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
      const found = await this.fresh.fromView(EVENTUAL, () => this.answers.parts.listPart(query, after));
      // The service may have changed while the page was made. A past revision is not stale.
      if (found.revision === at) return { ...found, catalog: { ...found.catalog, revision: at, stalenessSeconds: 0 } };
    }
    await this.answers.parts.restoreListing(query, at);
    return undefined;
  }

  /**
   * One page of a search.
   * @param isKnown whether the client has the page of a state of the catalog already
   * @throws InvalidCursorError
   */
  async searchInstances(
    search: CatalogSearch,
    isKnown: (catalog: CatalogVersion) => boolean,
    consistency = EVENTUAL,
  ): Promise<SearchFound> {
    await this.fresh.untilStoreReadable(consistency, () => instancesPoll(search, search.selection));
    const { head, page } = await this.search.search(search, head => isKnown(current(head)));
    this.fresh.assertKnown(consistency, head);
    const body = page && searchJson(head.revision, page, search.fields);
    return { catalog: current(head), body };
  }

  /**
   * The selected instances of a service as objects, for wire protocols with formats of their own. A long poll is a read with
   * `consistency.wait`.
   * @param isKnown whether the client has the state of this tag already
   * @throws InvalidFilterError for patterns that are too costly
   */
  readService(
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
    return this.fresh.fromView(consistency, read, () => instancesPoll({ namespace, service }, selection));
  }
}

/** PostgreSQL itself is never stale. */
const current = ({ revision, epoch }: LogHead): CatalogVersion => ({ revision, epoch, stalenessSeconds: 0 });
