import { Injectable } from '@nestjs/common';
import { type EntityManager } from '@mikro-orm/postgresql';
import { ServiceEventRepository } from '@coordination/log';
import { Databases, readSnapshot } from '@coordination/database';
import { type InstanceRecord, normalizeRecord, type StoredRecord } from '@coordination/catalog';
import { type WriteResult } from '../requests/write-request.js';
import { type RecalledAnswer, recalledResults, revisionsOf } from './stored-answer.js';

/** Events that one statement reads: 8 MB if they are of the largest instances. */
const EVENTS_AT_ONCE = 250;

/** Restores stored answers: reads the instances that they had from the log. */
@Injectable()
export class AnswerRecall {
  constructor(
    private readonly databases: Databases,
    private readonly events: ServiceEventRepository,
  ) {}

  /**
   * Each answer as it was; a rejection as a promise that rejects. It does not lock the head of the log.
   * @throws StoreUnavailableError when the log cannot be read
   */
  async recall(answers: readonly RecalledAnswer[]): Promise<PromiseSettledResult<WriteResult>[]> {
    const records = await this.recordsAt([...new Set(answers.flatMap(({ answer }) => revisionsOf(answer)))]);
    const recordAt = (revision: number): InstanceRecord => {
      const record = records.get(revision);
      if (!record) throw new Error(`The log has no instance at revision ${revision}, of which an answer is stored.`);
      return record;
    };
    return await Promise.allSettled(
      answers.map(async ({ answer, revision, epoch, ageMs }) => ({
        ...recalledResults(answer, recordAt),
        revision,
        epoch,
        repeatsAfterMs: ageMs,
      })),
    );
  }

  /** The instances as events left them, by revision. */
  private async recordsAt(revisions: readonly number[]): Promise<Map<number, InstanceRecord>> {
    const records = new Map<number, InstanceRecord>();
    if (revisions.length === 0) return records;
    const readAll = async (em: EntityManager, heard: () => void) => {
      for (let from = 0; from < revisions.length; from += EVENTS_AT_ONCE) {
        const found = await this.events.findAt(em, revisions.slice(from, from + EVENTS_AT_ONCE));
        for (const { revision, after } of found) records.set(revision, normalizeRecord(after as StoredRecord));
        heard();
      }
    };
    // It is a part of a write, which must not wait for reads.
    await readSnapshot(this.databases, readAll, { purpose: 'writer' });
    return records;
  }
}
