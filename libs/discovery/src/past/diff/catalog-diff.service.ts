import { type FoundRevision, type LogPoint, type RevisionFinder } from '@coordination/log';
import { InvalidCursorError, ValidationFailedError } from '@coordination/kernel';
import { revisionTag } from '../../responses/catalog-response.js';
import { catalogOf, type HasTag, type PastFound } from '../past-discovery.service.js';
import { type DiffPosition, type DiffQuestion, fromDiffCursor, toDiffCursor } from './diff-cursor.js';
import { type DiffPages } from './diff-pages.js';

/** One page of what is asked of a diff. */
export interface DiffRequest extends DiffQuestion {
  readonly from: LogPoint;
  /** Absent: the present; on the pages after the first, that of the first. */
  readonly to: LogPoint | undefined;
  /** Instances per page. */
  readonly limit: number;
  readonly cursor: string | undefined;
}

const TURNED_ROUND = { path: '/query/from', message: 'must not be later than `to`' };

/** Tells what changed in the catalog between two moments. */
export class CatalogDiff {
  constructor(
    private readonly finder: RevisionFinder,
    private readonly pages: DiffPages,
  ) {}

  /**
   * One page of the difference between two moments: what it was at the first and is at the second, whatever happened in
   * between.
   * @throws RevisionUnknownError, RevisionCompactedError
   * @throws ValidationFailedError for a time to come, and moments in the wrong order
   * @throws InvalidCursorError for a cursor of another question, or of other moments
   * @throws StoreUnavailableError
   */
  async find({ from, to, limit, cursor, scope, selection }: DiffRequest, hasTag: HasTag): Promise<PastFound> {
    const question = { scope, selection };
    const position = cursor === undefined ? undefined : fromDiffCursor(question, cursor);
    const first = await this.finder.find(from, 'from');
    const second = await this.secondMoment(to, position);
    const span = { from: first.revision, to: second.revision };
    if (span.from > span.to || isLater(from, to)) throw new ValidationFailedError([TURNED_ROUND]);
    if (position && (position.from !== span.from || position.to !== span.to)) throw InvalidCursorError.ofAnotherQuery();
    const tag = `${revisionTag(second.head.epoch, span.from)}-${span.to}`;
    const answer = { catalog: catalogOf(second), tag };
    if (hasTag(tag)) return { ...answer, body: undefined };
    const { services, end } = await this.pages.page({ scope, ...span, after: position?.after }, selection, limit);
    const nextCursor = end ? toDiffCursor(question, { ...span, after: end }) : null;
    return { ...answer, body: JSON.stringify({ ...span, services, nextCursor }) };
  }

  private async secondMoment(to: LogPoint | undefined, position: DiffPosition | undefined): Promise<FoundRevision> {
    if (to) return await this.finder.find(to, 'to');
    if (position) return await this.finder.find({ revision: position.to }, 'cursor');
    const head = await this.finder.head();
    return { revision: head.revision, head };
  }
}

/** Of times, also when nothing happened between them. */
const isLater = (from: LogPoint, to: LogPoint | undefined): boolean =>
  to !== undefined && 'time' in from && 'time' in to && from.time > to.time;
