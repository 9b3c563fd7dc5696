import { Injectable } from '@nestjs/common';
import { HistoryCheck, LocalCatalog } from '@coordination/catalog';
import { type LogEvent } from '@coordination/log';
import { IdempotencyMismatchError } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { AnswerRecall } from '../idempotency/answer-recall.js';
import { type RecalledAnswer } from '../idempotency/stored-answer.js';
import { type PlacedPlan, revisionAfter } from './batch-plan.js';
import { toCallerError } from './to-caller-error.js';
import { type PendingWrite } from './queue/pending-write.js';
import { WriterMetrics } from './writer-metrics.js';

/** A repeated request, and its first answer. */
interface Repetition extends PendingWrite {
  readonly recalled: RecalledAnswer;
}

/** Answers the callers of batches that have been committed. */
@Injectable()
export class BatchAnswers {
  constructor(
    private readonly catalog: LocalCatalog,
    private readonly history: HistoryCheck,
    private readonly recall: AnswerRecall,
    private readonly metrics: WriterMetrics,
    private readonly scheduler: Scheduler,
  ) {}

  /**
   * Records at once what the batch has committed, and answers once this node can read it; never throws. Only what it does
   * before it returns must come before the next batch.
   */
  async give(batch: readonly PendingWrite[], placed: PlacedPlan): Promise<void> {
    this.noteCommitted(placed);
    const { head, plan } = placed;
    await this.announce(plan.events);
    // By the first slice the next batch has been sent to the database, which works on it while these answers are written.
    const turn = this.scheduler.begin({ workClass: 'write' });
    const position = { revision: revisionAfter(placed), epoch: head.epoch };
    const repetitions: Repetition[] = [];
    for (const [index, outcome] of plan.outcomes.entries()) {
      const write = batch[index]!;
      await turn.step();
      if ('recalled' in outcome) {
        repetitions.push({ ...write, recalled: outcome.recalled });
        continue;
      }
      if (outcome.isRepeated) this.noteReplay(write);
      if ('error' in outcome) {
        this.reject(write, outcome.error);
        continue;
      }
      const { results, note, isRepeated } = outcome;
      write.resolve({ results, note, ...position, repeatsAfterMs: isRepeated ? 0 : undefined });
    }
    turn.end();
    if (repetitions.length > 0) await this.repeat(repetitions);
  }

  private noteCommitted({ head, plan }: PlacedPlan): void {
    const last = plan.events.at(-1);
    if (last) this.history.noteCommitted({ revision: last.revision, hash: last.hash, epoch: head.epoch });
  }

  private async announce(events: readonly LogEvent[]): Promise<void> {
    if (events.length === 0) return;
    try {
      await this.catalog.announce(events);
    } catch {
      // The change is committed in any case; the view reads the log again by itself.
    }
  }

  /** First answers are read only now, when the head of the log is no longer locked for this batch. */
  private async repeat(repetitions: readonly Repetition[]): Promise<void> {
    try {
      const answers = await this.recall.recall(repetitions.map(({ recalled }) => recalled));
      for (const [index, answer] of answers.entries()) {
        const repetition = repetitions[index]!;
        this.noteReplay(repetition);
        if (answer.status === 'fulfilled') repetition.resolve(answer.value);
        else repetition.reject(answer.reason);
      }
    } catch (error) {
      const callerError = toCallerError(error);
      for (const { reject } of repetitions) reject(callerError);
    }
  }

  private reject({ reject }: PendingWrite, error: unknown): void {
    if (error instanceof IdempotencyMismatchError) this.metrics.repeated('mismatch');
    reject(error);
  }

  private noteReplay({ request }: PendingWrite): void {
    this.metrics.repeated('replayed');
    request.origin.repeatable?.noteReplay();
  }
}
