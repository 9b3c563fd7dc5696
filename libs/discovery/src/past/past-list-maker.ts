import { type FoundRevision } from '@coordination/log';
import { Injectable, Optional } from '@nestjs/common';
import { SharedBody } from '@coordination/http';
import { InvalidFilterError } from '@coordination/kernel';
import { type InstanceRecord, normalizeRecord, type Status } from '@coordination/catalog';
import { type Turn } from '@coordination/scheduling';
import { listedRecordJson, wholeListFrame } from '../listing/list-json.js';
import { isWhole, type ListQuery } from '../listing/list-query.js';
import { bodyOfPieces, encodePieces, type Piece, PIECE_ITEMS } from '../responses/pieces.js';
import { ViewAnswers } from '../responses/view-answers.js';
import { type ViewJson } from '../responses/view-json.js';
import { isPatterned, matcherBesideStatus, statusTest } from '../selection/selection.js';
import { countStatuses, sorted } from '../summary/service-summary.js';
import { type MadePast } from './kept/past-answers.js';
import { PastInstances } from './past-instances.js';
import { PAST_LIMITS, TOO_MANY_INSTANCES } from './past-limits.js';
import { PastPages } from './past-pages.js';
import { PastScan } from './past-scan.js';
import { RecentPast } from './recent/recent-past.js';

/** A version of the list of a service, and where the log is read for it. */
export interface PastVersion {
  readonly found: FoundRevision;
  /** The revision of the service, at or before the one that was found. */
  readonly revision: number;
  /** The instanceId after which a page begins; undefined for the first one. */
  readonly after: string | undefined;
  /** Whether the view has reached the revision that was found. */
  readonly isReached: boolean;
}

/** Makes versions of the list of a service: from the view if they are recent, else from the log. */
@Injectable()
export class PastListMaker {
  constructor(
    private readonly instances: PastInstances,
    private readonly recent: RecentPast,
    private readonly pages: PastPages,
    private readonly answers: ViewAnswers,
    @Optional() private readonly limits = PAST_LIMITS,
  ) {}

  /**
   * The list as it is now, if that is the version. Patterns that are too costly for it are not for lists of the past, which
   * are bounded by their time.
   */
  async present(query: ListQuery, { found, revision, after, isReached }: PastVersion): Promise<ViewJson | undefined> {
    if (!isReached || isPatterned(query.selection)) return undefined;
    if (this.recent.untouchedSince(query, found.revision) !== revision) return undefined;
    const answers = isWhole(query.part) ? this.answers.whole : this.answers.parts;
    const made = await answers.listPart(query, after);
    // The service may have changed while the list was made.
    return made.revision === revision ? made : undefined;
  }

  /**
   * Makes a version in slices of a turn.
   * @param earlier the pieces of another version, which this one may share
   * @throws RevisionCompactedError, StoreUnavailableError
   * @throws InvalidFilterError when there were too many instances
   */
  async make(query: ListQuery, version: PastVersion, turn: Turn, earlier: readonly Piece<object>[]): Promise<MadePast> {
    const { found, revision, after, isReached } = version;
    const records = isReached ? await this.recent.instancesAt(query, found.revision, turn) : undefined;
    if (query.part.limit !== null) {
      const moment = { revision, at: found.revision, epoch: found.head.epoch };
      return { body: await this.pages.body(query, moment, after, turn, records) };
    }
    const scan = new PastScan(turn, this.limits.whole);
    if (!records) return await this.fromLog(query, version, scan);
    const own = earlier.length > 0 ? earlier : this.answers.piecesOf(query);
    return await this.fromRecords(query, revision, records, own as readonly Piece<InstanceRecord>[], scan);
  }

  private async fromRecords(
    query: ListQuery,
    revision: number,
    records: readonly InstanceRecord[],
    earlier: readonly Piece<InstanceRecord>[],
    scan: PastScan,
  ): Promise<MadePast> {
    const matches = matcherBesideStatus(query.selection);
    const hasStatus = statusTest(query.selection);
    const statuses: Status[] = [];
    const shown: InstanceRecord[] = [];
    for (const record of records) {
      if (scan.turn.isOver) await scan.turn.next();
      if (scan.isSpent) throw new InvalidFilterError([TOO_MANY_INSTANCES]);
      if (!matches(record)) continue;
      statuses.push(record.status);
      if (hasStatus(record.status)) shown.push(record);
    }
    const { begin, end } = wholeListFrame(query, { revision, counts: countStatuses(statuses) });
    const encoding = { keyOf: idOf, jsonOf: (record: InstanceRecord) => listedRecordJson(record, query) };
    const pieces = await encodePieces(shown, earlier, encoding, scan.turn);
    return { body: bodyOfPieces(begin, pieces, end), pieces };
  }

  private async fromLog(query: ListQuery, { found, revision }: PastVersion, scan: PastScan): Promise<MadePast> {
    const { namespace, service, selection } = query;
    const hasStatus = statusTest(selection);
    const statuses: Status[] = [];
    const shown = new Map<string, string>();
    let bytes = 0;
    const walk = {
      scope: { namespace, service },
      at: found.revision,
      order: 'asc',
      after: undefined,
      selection: { statuses: 'any', where: selection.where },
    } as const;
    for await (const { instanceId, record } of this.instances.walk(walk, scan)) {
      if (scan.isSpent || bytes > this.limits.wholeBytes) throw new InvalidFilterError([TOO_MANY_INSTANCES]);
      if (!record) continue;
      statuses.push(record.status);
      if (!hasStatus(record.status)) continue;
      const json = listedRecordJson(normalizeRecord(record), query);
      bytes += json.length;
      shown.set(instanceId, json);
    }
    const { begin, end } = wholeListFrame(query, { revision, counts: countStatuses(statuses) });
    // The order of the database depends on its locale.
    const ids = sorted(shown.keys());
    const pieces: Piece<object>[] = [];
    for (let start = 0; start < ids.length; start += PIECE_ITEMS) {
      if (scan.turn.isOver) await scan.turn.next();
      const text = ids.slice(start, start + PIECE_ITEMS).map(id => `,${shown.get(id)!}`);
      pieces.push({ items: [], bytes: SharedBody.bytesOf(text.join('')) });
    }
    return { body: bodyOfPieces(begin, pieces, end) };
  }
}

const idOf = ({ instanceId }: InstanceRecord): string => instanceId;
