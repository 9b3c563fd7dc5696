import { type LogHead } from '@coordination/audit';
import { type CatalogSearch } from './catalog-search.js';
import { type CatalogSearchRepository } from './catalog-search.repository.js';
import { type AnsweredCatalog } from './catalog-answer.js';
import { type Wanted } from './resolve/contenders.js';
import { type Resolved, type Resolver } from './resolve/resolver.js';
import { isEverything, type Selection } from './selection/selection.js';
import { type CatalogView } from './view/catalog-view.js';
import { type ViewAnswer, type ViewAnswers } from './view-answers.js';

/** An answer, and the catalog that it is from. */
export type Found<Answer extends ViewAnswer = ViewAnswer> = Answer & { readonly catalog: AnsweredCatalog };

/** What a search found; without a body when the caller knows it already. */
export interface SearchFound {
  readonly catalog: AnsweredCatalog;
  readonly body: Buffer | undefined;
}

/** Finds: what is about one service or one namespace in memory, the rest in PostgreSQL. */
export class DiscoveryService {
  constructor(
    private readonly view: CatalogView,
    private readonly answers: ViewAnswers,
    private readonly resolver: Resolver,
    private readonly catalog: CatalogSearchRepository,
  ) {}

  /** @throws StartingError, StaleViewError */
  namespaces(): Found {
    return this.fromView(() => this.answers.namespaces());
  }

  /**
   * The services of a namespace that have selected instances. Every list but the whole one would cost a look at every
   * instance, so PostgreSQL makes those.
   * @throws StartingError, StaleViewError, StoreUnavailableError
   */
  async services(namespace: string, selection: Selection): Promise<Found> {
    if (isEverything(selection)) return this.fromView(() => this.answers.services(namespace));
    const { head, revision, services } = await this.catalog.services(namespace, selection);
    return { catalog: current(head), revision, body: Buffer.from(JSON.stringify({ revision, services })) };
  }

  /** @throws StartingError, StaleViewError, InvalidFilterError for patterns that are too costly */
  instancesOf(namespace: string, service: string, selection: Selection): Found {
    return this.fromView(() => this.answers.instancesOf(namespace, service, selection));
  }

  /**
   * One instance of a service to call.
   * @throws StartingError, StaleViewError, NoInstanceAvailableError, InvalidFilterError
   */
  resolve(namespace: string, service: string, wanted: Wanted): Found<Resolved> {
    return this.fromView(() => this.resolver.resolve(namespace, service, wanted));
  }

  /**
   * One page of a search.
   * @param isKnown whether the caller has this page as of a catalog already
   * @throws InvalidCursorError, StoreUnavailableError
   */
  async search(search: CatalogSearch, isKnown: (catalog: AnsweredCatalog) => boolean): Promise<SearchFound> {
    const { head, page } = await this.catalog.search(search, head => isKnown(current(head)));
    const body = page && Buffer.from(JSON.stringify({ revision: head.revision, ...page }));
    return { catalog: current(head), body };
  }

  private fromView<Answer extends ViewAnswer>(make: () => Answer): Found<Answer> {
    this.view.assertReadable();
    const { revision, stalenessSeconds } = this.view.freshness();
    const epoch = this.view.position?.epoch ?? '';
    return { ...make(), catalog: { revision, epoch, stalenessSeconds } };
  }
}

/** PostgreSQL itself is never stale. */
const current = ({ revision, epoch }: LogHead): AnsweredCatalog => ({ revision, epoch, stalenessSeconds: 0 });
