import { type FoundRevision, type LogPoint, RevisionFinder } from '@coordination/log';
import { InvalidCursorError, ValidationFailedError } from '@coordination/kernel';
import { type Turn } from '@coordination/scheduling';
import { Injectable } from '@nestjs/common';
import { revisionTag } from '../../responses/catalog-version.js';
import { PastAnswers } from '../kept/past-answers.js';
import { bodyOf, catalogOf, type HasTag, type PastFound } from '../past-found.js';
import { type DiffPosition, type DiffSubject, fromDiffCursor, toDiffCursor } from './diff-cursor.js';
import { DiffPages } from './diff-pages.js';

/** A request for one page of a diff. */
export interface DiffRequest extends DiffSubject {
  readonly from: LogPoint;
  /** Absent: the present; on later pages, that of the first page. */
  readonly to: LogPoint | undefined;
  /** Instances per page. */
  readonly limit: number;
  readonly cursor: string | undefined;
}

const REVERSED = 'must not be later than `to`';

/** The difference of the catalog between two revisions. */
@Injectable()
export class CatalogDiff {
  constructor(
    private readonly finder: RevisionFinder,
    private readonly pages: DiffPages,
    private readonly answers: PastAnswers,
  ) {}

  /**
   * One page of the net difference between two revisions or times.
   * @throws RevisionUnknownError, RevisionCompactedError
   * @throws ValidationFailedError for a time in the future, and for `from` after `to`
   * @throws InvalidCursorError for a cursor of another diff
   * @throws StoreUnavailableError
   */
  async find({ from, to, limit, cursor, scope, selection }: DiffRequest, hasTag: HasTag): Promise<PastFound> {
    const subject = { scope, selection };
    const position = cursor === undefined ? undefined : fromDiffCursor(subject, cursor);
    const first = await this.finder.find(from, 'from');
    const second = await this.secondRevision(to, position);
    const span = { from: first.revision, to: second.revision };
    if (span.from > span.to || isLater(from, to)) throw ValidationFailedError.at('/query/from', REVERSED);
    if (position && (position.from !== span.from || position.to !== span.to)) throw InvalidCursorError.ofAnotherQuery();
    const tag = `${revisionTag(second.head.epoch, span.from)}-${span.to}`;
    const known = { catalog: catalogOf(second), tag };
    if (hasTag(tag)) return { ...known, body: undefined };
    const key = JSON.stringify(['diff', second.head.epoch, span, subject, limit, position?.after ?? null]);
    const make = async (turn: Turn) => {
      const { services, end } = await this.pages.page(
        { scope, ...span, after: position?.after },
        selection,
        limit,
        turn,
      );
      const nextCursor = end ? toDiffCursor(subject, { ...span, after: end }) : null;
      const begin = `${JSON.stringify(span).slice(0, -1)},"services":[`;
      return { body: services.body(begin, `],"nextCursor":${JSON.stringify(nextCursor)}}`) };
    };
    return { ...known, ...bodyOf(await this.answers.find(key, make)) };
  }

  private async secondRevision(to: LogPoint | undefined, position: DiffPosition | undefined): Promise<FoundRevision> {
    if (to) return await this.finder.find(to, 'to');
    if (position) return await this.finder.find({ revision: position.to }, 'cursor');
    const head = await this.finder.head();
    return { revision: head.revision, head };
  }
}

/** Compares times also when there is no event between them, so that their revisions are equal. */
const isLater = (from: LogPoint, to: LogPoint | undefined): boolean =>
  to !== undefined && 'time' in from && 'time' in to && from.time > to.time;
