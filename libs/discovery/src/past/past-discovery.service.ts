import { type FoundRevision, type LogPoint, RevisionFinder } from '@coordination/log';
import { InvalidCursorError, RevisionCompactedError } from '@coordination/kernel';
import { Injectable } from '@nestjs/common';
import { type CatalogVersion, revisionTag } from '../responses/catalog-version.js';
import { type CatalogSearch } from '../search/catalog-search.js';
import { type ListPosition } from '../listing/list-cursor.js';
import { type ListQuery, variantOf, variantOfFields, WHOLE } from '../listing/list-query.js';
import { searchJson } from '../search/search-json.js';
import { type Selection } from '../selection/selection.js';
import { PastPages } from './past-pages.js';
import { PastSearches } from './past-search.js';
import { PastServices } from './past-services.js';

/** The result of a read of the past, which never changes. */
export interface PastFound {
  readonly catalog: CatalogVersion;
  /** The ETag, without quotes. */
  readonly tag: string;
  /** Absent when the client has it already. */
  readonly body: string | undefined;
}

/** Whether the client has the response with this tag already. */
export type HasTag = (tag: string) => boolean;

const PARAMETER = 'asOf';

/** Reads the catalog as it was at a revision or time, from the log. */
@Injectable()
export class PastDiscovery {
  constructor(
    private readonly finder: RevisionFinder,
    private readonly services: PastServices,
    private readonly searches: PastSearches,
    private readonly pages: PastPages,
  ) {}

  /**
   * The services of a namespace that had selected instances.
   * @throws RevisionUnknownError, RevisionCompactedError, ValidationFailedError for a time in the future
   * @throws InvalidFilterError when there were too many instances for one response
   * @throws StoreUnavailableError
   */
  async listServices(asOf: LogPoint, namespace: string, selection: Selection, hasTag: HasTag): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const isKnown = (revision: number) => hasTag(tagOf(found, revision));
    const { revision, body } = await this.services.serviceList(namespace, found.revision, selection, isKnown);
    return { catalog: catalogOf(found), tag: tagOf(found, revision), body };
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
    const { fields, limit } = part;
    if (limit !== null) {
      const revision = await this.services.revisionOf(of.namespace, of.service, found.revision);
      if (position && position.at !== revision) throw InvalidCursorError.ofAnotherQuery();
      return await this.page({ ...of, selection, part }, { found, revision, after: position?.after }, hasTag);
    }
    const tagAt = (revision: number) => tagOf(found, revision, variantOf(part));
    const where = { ...of, at: found.revision };
    const isKnown = (revision: number) => hasTag(tagAt(revision));
    const { revision, body } = await this.services.instanceList(where, selection, isKnown, fields);
    return { catalog: catalogOf(found), tag: tagAt(revision), body };
  }

  /**
   * A later page of a list whose first page was read from the present catalog.
   * @throws RevisionUnknownError when that was in a history that has ended
   * @throws RevisionCompactedError when the log no longer has the service as it was then
   * @throws InvalidFilterError, StoreUnavailableError
   */
  async laterPage(query: ListQuery, { at, after }: ListPosition, hasTag: HasTag): Promise<PastFound> {
    const found = await this.revisionLike(query, at);
    const page = await this.page(query, { found, revision: at, after }, hasTag);
    return { ...page, catalog: { ...page.catalog, revision: at } };
  }

  private async page(
    query: ListQuery,
    { found, revision, after }: { found: FoundRevision; revision: number; after: string | undefined },
    hasTag: HasTag,
  ): Promise<PastFound> {
    const tag = tagOf(found, revision, variantOf(query.part, after));
    const known = { catalog: catalogOf(found), tag };
    if (hasTag(tag)) return { ...known, body: undefined };
    const where = { revision, at: found.revision, epoch: found.head.epoch };
    return { ...known, body: await this.pages.body(query, where, after) };
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
    const page = await this.searches.page(pastSearch, position);
    return { ...known, body: searchJson(found.revision, page, search.fields) };
  }
}

/** Past revisions do not change, so they are not stale. */
export const catalogOf = ({ revision, head }: FoundRevision): CatalogVersion => ({
  revision,
  epoch: head.epoch,
  stalenessSeconds: 0,
});

const tagOf = ({ head }: FoundRevision, revision: number, variant?: string): string =>
  revisionTag(head.epoch, revision, variant);
