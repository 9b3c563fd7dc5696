import { type FoundRevision, type LogPoint, type RevisionFinder } from '@coordination/audit';
import { type AnsweredCatalog, revisionTag } from '../catalog-answer.js';
import { type CatalogSearch } from '../catalog-search.js';
import { type Selection } from '../selection/selection.js';
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
   * The selected instances that a service had.
   * @throws what {@link services} throws
   */
  async instancesOf(
    asOf: LogPoint,
    of: { readonly namespace: string; readonly service: string },
    selection: Selection,
    hasTag: HasTag,
  ): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const isKnown = (revision: number) => hasTag(tagOf(found, revision));
    const { revision, body } = await this.pastServices.instancesOf({ ...of, at: found.revision }, selection, isKnown);
    return { catalog: catalogOf(found), tag: tagOf(found, revision), body };
  }

  /**
   * One page of a search of the whole catalog.
   * @throws InvalidCursorError, and what {@link services} throws
   */
  async search(asOf: LogPoint, search: CatalogSearch, hasTag: HasTag): Promise<PastFound> {
    const found = await this.finder.find(asOf, PARAMETER);
    const pastSearch = { ...search, at: found.revision };
    const position = this.searches.positionOf(pastSearch);
    const answer = { catalog: catalogOf(found), tag: tagOf(found, found.revision) };
    if (hasTag(answer.tag)) return { ...answer, body: undefined };
    const page = await this.searches.page(pastSearch, position);
    return { ...answer, body: JSON.stringify({ revision: found.revision, ...page }) };
  }
}

/** The log never forgets, so what it tells of the past is not stale. */
export const catalogOf = ({ revision, head }: FoundRevision): AnsweredCatalog => ({
  revision,
  epoch: head.epoch,
  stalenessSeconds: 0,
});

const tagOf = ({ head }: FoundRevision, revision: number): string => revisionTag(head.epoch, revision);
