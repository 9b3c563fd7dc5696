import { type FoundRevision, type LogPoint, type RevisionFinder } from '@coordination/log';
import { InvalidCursorError, RevisionCompactedError } from '@coordination/kernel';
import { type AnsweredCatalog, revisionTag } from '../responses/catalog-response.js';
import { type CatalogSearch } from '../search/catalog-search.js';
import { type ListPosition } from '../listing/list-cursor.js';
import { type ListQuestion, variantOf, variantOfFields, WHOLE } from '../listing/list-question.js';
import { searchJson } from '../listing/search-json.js';
import { type Selection } from '../selection/selection.js';
import { type PastPages } from './past-pages.js';
import { type PastSearches } from './past-search.js';
import { type PastServices } from './past-services.js';

/** An answer about the catalog as it was. It never changes. */
export interface PastFound {
  readonly catalog: AnsweredCatalog;
  /** Names the answer. */
  readonly tag: string;
  /** Absent when the caller has it already. */
  readonly body: string | undefined;
}

/** Whether the caller has the answer of this name already. */
export type HasTag = (tag: string) => boolean;

const PARAMETER = 'asOf';

/** Tells what the catalog was at a moment, from the log. */
export class PastDiscovery {
  constructor(
    private readonly finder: RevisionFinder,
    private readonly pastServices: PastServices,
    private readonly searches: PastSearches,
    private readonly pages: PastPages,
  ) {}

  /**
   * The services of a namespace that had selected instances.
   * @throws RevisionUnknownError, RevisionCompactedError, ValidationFailedError for a time to come
   * @throws InvalidFilterError when there were too many instances for one answer
   * @throws StoreUnavailableError
   */
  async services(asOf: LogPoint, namespace: string, selection: Selection, hasTag: HasTag): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const isKnown = (revision: number) => hasTag(tagOf(found, revision));
    const { revision, body } = await this.pastServices.list(namespace, found.revision, selection, isKnown);
    return { catalog: catalogOf(found), tag: tagOf(found, revision), body };
  }

  /**
   * The selected instances that a service had, or a page of them.
   * @param position where the page before ended
   * @throws InvalidCursorError for a position of another moment, and what {@link services} throws
   */
  async instancesOf(
    asOf: LogPoint,
    of: { readonly namespace: string; readonly service: string },
    selection: Selection,
    hasTag: HasTag,
    { part = WHOLE, position }: { readonly part?: ListQuestion['part']; readonly position?: ListPosition } = {},
  ): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const { fields, limit } = part;
    if (limit !== null) {
      const revision = await this.pastServices.revisionOf(of.namespace, of.service, found.revision);
      if (position && position.at !== revision) throw InvalidCursorError.ofAnotherQuery();
      return await this.page({ ...of, selection, part }, { found, revision, after: position?.after }, hasTag);
    }
    const tagAt = (revision: number) => tagOf(found, revision, variantOf(part));
    const moment = { ...of, at: found.revision };
    const isKnown = (revision: number) => hasTag(tagAt(revision));
    const { revision, body } = await this.pastServices.instancesOf(moment, selection, isKnown, fields);
    return { catalog: catalogOf(found), tag: tagAt(revision), body };
  }

  /**
   * A later page of a list that was begun in what was the present then.
   * @throws RevisionUnknownError when that was in a history that has ended
   * @throws RevisionCompactedError when what the service was then is no longer retained
   * @throws InvalidFilterError, StoreUnavailableError
   */
  async laterPage(question: ListQuestion, { at, after }: ListPosition, hasTag: HasTag): Promise<PastFound> {
    const found = await this.momentLike(question, at);
    const page = await this.page(question, { found, revision: at, after }, hasTag);
    return { ...page, catalog: { ...page.catalog, revision: at } };
  }

  private async page(
    question: ListQuestion,
    { found, revision, after }: { found: FoundRevision; revision: number; after: string | undefined },
    hasTag: HasTag,
  ): Promise<PastFound> {
    const tag = tagOf(found, revision, variantOf(question.part, after));
    const answer = { catalog: catalogOf(found), tag };
    if (hasTag(tag)) return { ...answer, body: undefined };
    const moment = { revision, at: found.revision, epoch: found.head.epoch };
    return { ...answer, body: await this.pages.body(question, moment, after) };
  }

  /** The revision, or the oldest one that is retained if the service did not change in between. */
  private async momentLike(question: ListQuestion, revision: number): Promise<FoundRevision> {
    try {
      return await this.finder.find({ revision }, 'cursor');
    } catch (error) {
      const oldest =
        error instanceof RevisionCompactedError ? await this.pages.retainedAs(question, revision) : undefined;
      if (oldest === undefined) throw error;
      return await this.finder.find({ revision: oldest }, 'cursor');
    }
  }

  /**
   * One page of a search of the whole catalog.
   * @throws InvalidCursorError, and what {@link services} throws
   */
  async search(asOf: LogPoint, search: CatalogSearch, hasTag: HasTag): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const pastSearch = { ...search, at: found.revision };
    const position = this.searches.positionOf(pastSearch);
    const answer = {
      catalog: catalogOf(found),
      tag: tagOf(found, found.revision, variantOfFields(search.fields ?? null)),
    };
    if (hasTag(answer.tag)) return { ...answer, body: undefined };
    const page = await this.searches.page(pastSearch, position);
    return { ...answer, body: searchJson(found.revision, page, search.fields) };
  }
}

/** The log never forgets, so what it tells of the past is not stale. */
export const catalogOf = ({ revision, head }: FoundRevision): AnsweredCatalog => ({
  revision,
  epoch: head.epoch,
  stalenessSeconds: 0,
});

const tagOf = ({ head }: FoundRevision, revision: number, variant?: string): string =>
  revisionTag(head.epoch, revision, variant);
