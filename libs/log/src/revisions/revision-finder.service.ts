import { Injectable } from '@nestjs/common';
import { Databases, mapStoreErrors, query, readSnapshot, withSilenceTimeout } from '@coordination/database';
import {
  RevisionCompactedError,
  RevisionUnknownError,
  type UnknownRevisionReason,
  ValidationFailedError,
} from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogHead } from '../events/log-event.js';
import { CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { unknownRevisionReason } from '../epochs/epoch-gaps.js';
import { EpochLogRepository } from '../epochs/epoch-log.repository.js';
import { type LogPoint } from './log-point.js';
import { ReadIndex } from '../head/read-index.js';
import { oldestOf } from '../retention/log-cut.js';
import { LogCutRepository } from '../retention/log-cut.repository.js';

/** After this time (ms) of inactivity PostgreSQL ends the transaction that settles; it is one small update. */
const HOLD_LIMIT_MS = 1_000;

/** After this time (ms) without a response, settling fails. */
const SILENCE_MS = 12_000;

/** A revision of the log, and the head of the same snapshot. */
export interface FoundRevision {
  readonly revision: number;
  readonly head: LogHead;
}

/** Finds the revision of a point in the history. The result for the same point never changes later. */
@Injectable()
export class RevisionFinder {
  /** All callers that ask before the head is locked share one lock, so that reads of the present do not delay the writers. */
  private readonly settlement: ReadIndex<LogHead>;

  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly cuts: LogCutRepository = new LogCutRepository(),
    private readonly epochs: EpochLogRepository = new EpochLogRepository(),
  ) {
    this.settlement = new ReadIndex({ read: () => this.settle() });
  }

  /**
   * The last revision at or before a point; 0 for a time before the first event of a complete log.
   * @param parameter name of the query parameter that has the point, for the error
   * @throws RevisionUnknownError for a revision above the head, or one that no event of this history has
   * @throws RevisionCompactedError for a point before the retained part of the log
   * @throws ValidationFailedError for a time that neither the clock of the database nor the log has reached
   * @throws StoreUnavailableError
   */
  async find(point: LogPoint, parameter: string): Promise<FoundRevision> {
    if ('revision' in point) return await this.known(point.revision);
    const { time } = point;
    const found = await this.lastUpTo(time);
    if (found) return found;
    await this.settlement.current();
    const settled = await this.lastUpTo(time);
    if (settled) return settled;
    throw ValidationFailedError.at(
      `/query/${parameter}`,
      'must not be later than the present, by the clock of the database',
    );
  }

  /** The end of the log. @throws StoreUnavailableError */
  async head(): Promise<LogHead> {
    return await readSnapshot(this.databases, em => this.heads.read(em));
  }

  private async known(revision: number): Promise<FoundRevision> {
    return await readSnapshot(this.databases, async em => {
      const head = await this.heads.read(em);
      const oldest = oldestOf(await this.cuts.find(em));
      const isKnown = revision === oldest || (revision > oldest && (await isUsed(em, revision)));
      if (isKnown) return { revision, head };
      const reason = await this.reasonFor(em, revision, head);
      if (!reason && revision < oldest) throw new RevisionCompactedError(revision, oldest);
      throw new RevisionUnknownError(revision, reason ?? 'never-used');
    });
  }

  private async reasonFor(
    em: EntityManager,
    revision: number,
    head: LogHead,
  ): Promise<UnknownRevisionReason | undefined> {
    return unknownRevisionReason(revision, head.revision, await this.epochs.gaps(em));
  }

  /** The last revision up to a time; undefined: future events may still have a time up to it. */
  private async lastUpTo(time: string): Promise<FoundRevision | undefined> {
    return await readSnapshot(this.databases, async em => {
      const head = await this.heads.read(em);
      // The texts have one format, and sort like the times.
      if (time >= (await this.heads.settledUpTo(em))) return undefined;
      const cut = await this.cuts.find(em);
      if (cut && time < cut.at) throw RevisionCompactedError.before(time, cut.revision);
      return { revision: await lastRevisionUpTo(em, time, oldestOf(cut)), head };
    });
  }

  private async settle(): Promise<LogHead> {
    return await mapStoreErrors(() =>
      withSilenceTimeout(this.databases, 'reads', SILENCE_MS, () =>
        this.databases.em('reads').transactional(async em => {
          const head = await this.heads.lock(em, HOLD_LIMIT_MS);
          await this.heads.settle(em);
          return head;
        }),
      ),
    );
  }
}

async function isUsed(em: EntityManager, revision: number): Promise<boolean> {
  const [row] = await query<{ used: boolean }>(
    em,
    'select exists (select from service_event where revision = $1) as used',
    [revision],
  );
  return row!.used;
}

/** `at` never decreases with revisions, so the last event up to a time has the highest revision. */
async function lastRevisionUpTo(em: EntityManager, time: string, oldest: number): Promise<number> {
  const [row] = await query<{ revision: number }>(
    em,
    `select e.revision::float8 as revision from service_event e where e.at <= $1::timestamptz and e.revision > $2
     order by e.at desc, e.revision desc limit 1`,
    [time, oldest],
  );
  return row?.revision ?? oldest;
}
