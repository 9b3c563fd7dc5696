import { type FoundRevision } from '@coordination/log';
import { Injectable } from '@nestjs/common';
import { InvalidCursorError } from '@coordination/kernel';
import { type Turn } from '@coordination/scheduling';
import { type ListPosition } from '../listing/list-cursor.js';
import { type ListQuery, variantOf } from '../listing/list-query.js';
import { type Piece } from '../responses/pieces.js';
import { PastAnswers } from './kept/past-answers.js';
import { bodyOf, catalogOf, type HasTag, type PastFound, tagOf } from './past-found.js';
import { PastListMaker, type PastVersion } from './past-list-maker.js';
import { PastServices } from './past-services.js';
import { RecentPast } from './recent/recent-past.js';

/**
 * Lists of the instances of a service as they were. A version of a list is identified by the revision of the service, so all
 * revisions of the catalog between two changes of the service have one answer. It is the present list if nothing touched the
 * service since; else it is made from the view by rolling back a few changes; else from the log. All ways give the same bytes.
 */
@Injectable()
export class PastLists {
  constructor(
    private readonly services: PastServices,
    private readonly recent: RecentPast,
    private readonly answers: PastAnswers,
    private readonly maker: PastListMaker,
  ) {}

  /**
   * The list, or a page of it, at a revision of the catalog.
   * @param position where the previous page ended
   * @throws InvalidCursorError for a position of another revision
   * @throws RevisionCompactedError, StoreUnavailableError
   * @throws InvalidFilterError when there were too many instances
   */
  async at(
    query: ListQuery,
    found: FoundRevision,
    position: ListPosition | undefined,
    hasTag: HasTag,
  ): Promise<PastFound> {
    const isReached = await this.recent.reaches(found);
    const untouched = isReached ? this.recent.untouchedSince(query, found.revision) : undefined;
    const revision = untouched ?? (await this.services.revisionOf(query.namespace, query.service, found.revision));
    if (position && position.at !== revision) throw InvalidCursorError.ofAnotherQuery();
    return await this.version(query, { found, revision, after: position?.after, isReached }, hasTag);
  }

  /**
   * A later page of a list.
   * @param found the revision of the service at the first page, or a later one up to which nothing touched the service
   * @throws RevisionCompactedError, StoreUnavailableError
   * @throws InvalidFilterError when there were too many instances
   */
  async laterPage(
    query: ListQuery,
    found: FoundRevision,
    { at, after }: ListPosition,
    hasTag: HasTag,
  ): Promise<PastFound> {
    const isReached = await this.recent.reaches(found);
    return await this.version(query, { found, revision: at, after, isReached }, hasTag);
  }

  private async version(query: ListQuery, version: PastVersion, hasTag: HasTag): Promise<PastFound> {
    const { found, revision, after } = version;
    const known = { catalog: catalogOf(found), tag: tagOf(found, revision, variantOf(query.part, after)) };
    if (hasTag(known.tag)) return { ...known, body: undefined };
    const present = await this.maker.present(query, version);
    if (present) return { ...known, body: present.body, compressed: present.compressed };
    const { namespace, service, selection, part } = query;
    const list = JSON.stringify([namespace, service, selection, part]);
    const key = JSON.stringify(['list', found.head.epoch, revision, after ?? null, list]);
    const make = (turn: Turn, earlier: readonly Piece<object>[]) => this.maker.make(query, version, turn, earlier);
    return { ...known, ...bodyOf(await this.answers.find(key, make, list)) };
  }
}
