import { type LogHead } from '@coordination/log';
import { type CatalogView } from '@coordination/catalog';
import { type CatalogSearch } from './search/catalog-search.js';
import { type CatalogSearchRepository } from './search/catalog-search.repository.js';
import { type AnsweredCatalog } from './responses/catalog-response.js';
import { type ReadConsistency, NO_DEMAND } from './freshness/read-consistency.js';
import { type FreshReads } from './freshness/fresh-reads.js';
import { instancesQuestion, NAMESPACES_QUESTION } from './freshness/poll-query.js';
import { type ResolveRequest } from './resolve/eligible-instances.js';
import { type Resolved, type Resolver } from './resolve/resolver.js';
import { type ListPosition } from './listing/list-cursor.js';
import { isWhole, type ListQuestion } from './listing/list-question.js';
import { searchJson } from './listing/search-json.js';
import { isEverything, type Selection } from './selection/selection.js';
import { type ViewAnswer, type CachedJson } from './responses/cached-json.js';

/** An answer, and the catalog that it is from. */
export type Found<Answer extends ViewAnswer = ViewAnswer> = Answer & { readonly catalog: AnsweredCatalog };

/** What a search found; without a body when the caller knows it already. */
export interface SearchFound {
  readonly catalog: AnsweredCatalog;
  readonly body: string | undefined;
}

/** What discovery works with. */
export interface DiscoveryParts {
  readonly view: CatalogView;
  readonly answers: CachedJson;
  /** Apart from the others, so that whoever asks for many pages or members does not drive those out of memory. */
  readonly partAnswers: CachedJson;
  readonly resolver: Resolver;
  readonly catalog: CatalogSearchRepository;
  readonly fresh: FreshReads;
}

/**
 * Finds: what is about one service or one namespace in memory, the rest in PostgreSQL. Whatever a demand says is waited
 * for first; its failures (StartingError, StaleViewError, ViewBehindError, RevisionUnknownError, RateLimitedError,
 * StoreUnavailableError) are those of every method.
 */
export class DiscoveryService {
  constructor(private readonly parts: DiscoveryParts) {}

  /** @throws StartingError, StaleViewError */
  async namespaces(demand = NO_DEMAND): Promise<Found> {
    await this.parts.fresh.fromView(demand, () => NAMESPACES_QUESTION);
    return this.fromView(demand, () => this.parts.answers.namespaces());
  }

  /**
   * The services of a namespace that have selected instances. Every list but the whole one would cost a look at every
   * instance, so PostgreSQL makes those.
   * @throws StartingError, StaleViewError, StoreUnavailableError
   */
  async services(namespace: string, selection: Selection, demand = NO_DEMAND): Promise<Found> {
    const { answers, catalog, fresh } = this.parts;
    const question = () => instancesQuestion({ namespace, service: null }, selection);
    if (isEverything(selection)) {
      await fresh.fromView(demand, question);
      return this.fromView(demand, () => answers.services(namespace));
    }
    await fresh.fromStore(demand, question);
    const { head, revision, services } = await catalog.services(namespace, selection);
    fresh.assertKnown(demand, head);
    return { catalog: current(head), revision, body: JSON.stringify({ revision, services }) };
  }

  /**
   * The instances of a service, or the first page of them.
   * @throws StartingError, StaleViewError, InvalidFilterError for patterns that are too costly
   */
  async instancesOf(question: ListQuestion, demand = NO_DEMAND): Promise<Found> {
    await this.parts.fresh.fromView(demand, () => instancesQuestion(question, question.selection));
    return this.instancesNow(question, demand);
  }

  /**
   * The same without waiting, for demands that are met or that there are none of.
   * @throws StartingError, StaleViewError, InvalidFilterError for patterns that are too costly
   */
  instancesNow(question: ListQuestion, demand = NO_DEMAND): Found {
    const { answers, partAnswers } = this.parts;
    const { namespace, service, selection, part } = question;
    return this.fromView(demand, () =>
      isWhole(part) ? answers.instancesOf(namespace, service, selection) : partAnswers.listed(question),
    );
  }

  /**
   * A later page of the instances of a service, at the revision of the first one; undefined when the service has changed
   * since, so that only the log can tell.
   * @throws RevisionUnknownError when the first page was of a history that has ended, StartingError, StaleViewError,
   *   InvalidFilterError
   */
  async laterPage(question: ListQuestion, { at, after }: ListPosition): Promise<Found | undefined> {
    const { view, partAnswers, fresh } = this.parts;
    await fresh.fromView({ ...NO_DEMAND, minRevision: at });
    if (view.serviceRevision(question.namespace, question.service) !== at) {
      partAnswers.recallListing(question, at);
      return undefined;
    }
    const found = this.fromView(NO_DEMAND, () => partAnswers.listed(question, after));
    // What was at a revision is not stale.
    return { ...found, catalog: { ...found.catalog, revision: at, stalenessSeconds: 0 } };
  }

  /**
   * One instance of a service to call.
   * @throws StartingError, StaleViewError, NoInstanceAvailableError, InvalidFilterError
   */
  async resolve(
    namespace: string,
    service: string,
    wanted: ResolveRequest,
    demand = NO_DEMAND,
  ): Promise<Found<Resolved>> {
    await this.parts.fresh.fromView(demand);
    return this.fromView(demand, () => this.parts.resolver.resolve(namespace, service, wanted));
  }

  /**
   * One page of a search.
   * @param isKnown whether the caller has this page as of a catalog already
   * @throws InvalidCursorError, StoreUnavailableError
   */
  async search(
    search: CatalogSearch,
    isKnown: (catalog: AnsweredCatalog) => boolean,
    demand = NO_DEMAND,
  ): Promise<SearchFound> {
    const { catalog, fresh } = this.parts;
    await fresh.fromStore(demand, () => instancesQuestion(search, search.selection));
    const { head, page } = await catalog.search(search, head => isKnown(current(head)));
    fresh.assertKnown(demand, head);
    const body = page && searchJson(head.revision, page, search.fields);
    return { catalog: current(head), body };
  }

  private fromView<Answer extends ViewAnswer>({ isStrong, wait }: ReadConsistency, make: () => Answer): Found<Answer> {
    const { view } = this.parts;
    view.assertReadable();
    const { revision, stalenessSeconds: age } = view.freshness();
    // Known to have been current since the request came, however long that took.
    const stalenessSeconds = isStrong && !wait ? 0 : age;
    const epoch = view.position?.epoch ?? '';
    return { ...make(), catalog: { revision, epoch, stalenessSeconds } };
  }
}

/** PostgreSQL itself is never stale. */
const current = ({ revision, epoch }: LogHead): AnsweredCatalog => ({ revision, epoch, stalenessSeconds: 0 });
