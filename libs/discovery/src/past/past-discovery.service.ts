import { type FoundRevision, type LogPoint, RevisionFinder } from '@coordination/log';
import { RevisionCompactedError } from '@coordination/kernel';
import { type Turn } from '@coordination/scheduling';
import { Injectable } from '@nestjs/common';
import { type CatalogSearch } from '../search/catalog-search.js';
import { type ListPosition } from '../listing/list-cursor.js';
import { type ListQuery, variantOfFields, WHOLE } from '../listing/list-query.js';
import { type Selection } from '../selection/selection.js';
import { PastAnswers } from './kept/past-answers.js';
import { bodyOf, catalogOf, type HasTag, type PastFound, tagOf } from './past-found.js';
import { PastLists } from './past-lists.js';
import { PastPages } from './past-pages.js';
import { PastSearches } from './past-search.js';
import { PastServices } from './past-services.js';

const PARAMETER = 'asOf';

/** Reads the catalog as it was at a revision or time, from the log, or from the view where that has the same answer. */
@Injectable()
export class PastDiscovery {
  constructor(
    private readonly finder: RevisionFinder,
    private readonly services: PastServices,
    private readonly searches: PastSearches,
    private readonly lists: PastLists,
    private readonly pages: PastPages,
    private readonly answers: PastAnswers,
  ) {}

  /**
   * The services of a namespace that had selected instances.
   * @throws RevisionUnknownError, RevisionCompactedError, ValidationFailedError for a time in the future
   * @throws InvalidFilterError when there were too many instances for one response
   * @throws StoreUnavailableError
   */
  async listServices(asOf: LogPoint, namespace: string, selection: Selection, hasTag: HasTag): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const { revision: at, head } = found;
    const key = JSON.stringify(['services', head.epoch, at, namespace, selection]);
    const services = await this.answers.find(key, turn => this.services.serviceList(namespace, at, selection, turn));
    const tag = tagOf(found, services.revision ?? at);
    const known = { catalog: catalogOf(found), tag };
    return hasTag(tag) ? { ...known, body: undefined } : { ...known, ...bodyOf(services) };
  }

  /**
   * The selected instances that a service had, or a page of them.
   * @param position where the previous page ended
   * @throws InvalidCursorError for a position of another revision, and what {@link listServices} throws
   */
  async listInstances(
    asOf: LogPoint,
    of: { readonly namespace: string; readonly service: string },
    selection: Selection,
    hasTag: HasTag,
    { part = WHOLE, position }: { readonly part?: ListQuery['part']; readonly position?: ListPosition } = {},
  ): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    return await this.lists.at({ ...of, selection, part }, found, position, hasTag);
  }

  /**
   * A later page of a list whose first page was read from the present catalog.
   * @throws RevisionUnknownError when that was in a history that has ended
   * @throws RevisionCompactedError when the log no longer has the service as it was then
   * @throws InvalidFilterError, StoreUnavailableError
   */
  async laterPage(query: ListQuery, { at, after }: ListPosition, hasTag: HasTag): Promise<PastFound> {
    const found = await this.revisionLike(query, at);
    const page = await this.lists.laterPage(query, found, { at, after }, hasTag);
    return { ...page, catalog: { ...page.catalog, revision: at } };
  }

  /** The revision, or the oldest one that is retained if the service did not change in between. */
  private async revisionLike(query: ListQuery, revision: number): Promise<FoundRevision> {
    try {
      return await this.finder.find({ revision }, 'cursor');
    } catch (error) {
      const oldest = error instanceof RevisionCompactedError ? await this.pages.retainedAs(query, revision) : undefined;
      if (oldest === undefined) throw error;
      return await this.finder.find({ revision: oldest }, 'cursor');
    }
  }

  /**
   * One page of a search of the whole catalog.
   * @throws InvalidCursorError, and what {@link listServices} throws
   */
  async searchInstances(asOf: LogPoint, search: CatalogSearch, hasTag: HasTag): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const pastSearch = { ...search, at: found.revision };
    const position = this.searches.positionOf(pastSearch);
    const tag = tagOf(found, found.revision, variantOfFields(search.fields ?? null));
    const known = { catalog: catalogOf(found), tag };
    if (hasTag(tag)) return { ...known, body: undefined };
    const key = JSON.stringify(['search', found.head.epoch, pastSearch]);
    const make = async (turn: Turn) => ({ body: await this.searches.page(pastSearch, position, turn) });
    return { ...known, ...bodyOf(await this.answers.find(key, make)) };
  }
}
