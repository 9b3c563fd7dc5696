import { setImmediate as nextTurn } from 'node:timers/promises';
import { type LogEvent, type LockedHead } from '@coordination/log';
import { IdempotencyMismatchError } from '@coordination/kernel';
import { type LocalCatalog } from '@coordination/catalog';
import { type AnswerRecall } from '../idempotency/answer-recall.js';
import { type RecalledAnswer } from '../idempotency/stored-answer.js';
import { type BatchPlan } from './plan-batch.js';
import { toCallerError } from './to-caller-error.js';
import { type PendingWrite } from './write-queue.js';
import { type WriterMetrics } from './writer-metrics.js';

/** A plan at the place in the log that it was made for. */
export interface PlacedPlan {
  readonly head: LockedHead;
  readonly batchId: string;
  readonly plan: BatchPlan;
}

/** Where the catalog stands after a batch. */
export const revisionAfter = ({ head, plan }: PlacedPlan): number => plan.events.at(-1)?.revision ?? head.revision;

/** What answering needs. */
export interface BatchAnswersTools {
  readonly catalog: Pick<LocalCatalog, 'announce'>;
  readonly recall: AnswerRecall;
  readonly metrics: WriterMetrics;
}

/** A request that was answered before, and how. */
interface Repetition extends PendingWrite {
  readonly recalled: RecalledAnswer;
}

/** Answers the callers of a batch that has been committed. */
export class BatchAnswers {
  constructor(private readonly tools: BatchAnswersTools) {}

  /** Answers when this node can read what it wrote; never throws. */
  async give(batch: readonly PendingWrite[], placed: PlacedPlan): Promise<void> {
    const { head, plan } = placed;
    await this.announce(plan.events);
    // The next batch has been handed to the database by then, which works on it while these answers are written.
    await nextTurn();
    const position = { revision: revisionAfter(placed), epoch: head.epoch };
    const repetitions: Repetition[] = [];
    for (const [index, outcome] of plan.outcomes.entries()) {
      const write = batch[index]!;
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
    if (repetitions.length > 0) await this.giveAgain(repetitions);
  }

  private async announce(events: readonly LogEvent[]): Promise<void> {
    if (events.length === 0) return;
    try {
      await this.tools.catalog.announce(events);
    } catch {
      // The change is committed whatever becomes of the view, which reads the log again by itself.
    }
  }

  /** What the first answers told is read only now, when nobody waits for the head of the log any more. */
  private async giveAgain(repetitions: readonly Repetition[]): Promise<void> {
    try {
      const answers = await this.tools.recall.recall(repetitions.map(({ recalled }) => recalled));
      for (const [index, answer] of answers.entries()) {
        const repetition = repetitions[index]!;
        this.noteReplay(repetition);
        if (answer.status === 'fulfilled') repetition.resolve(answer.value);
        else repetition.reject(answer.reason);
      }
    } catch (error) {
      const told = toCallerError(error);
      for (const { reject } of repetitions) reject(told);
    }
  }

  private reject({ reject }: PendingWrite, error: unknown): void {
    if (error instanceof IdempotencyMismatchError) this.tools.metrics.repeated('mismatch');
    reject(error);
  }

  private noteReplay({ request }: PendingWrite): void {
    this.tools.metrics.repeated('replayed');
    request.origin.repeatable?.noteReplay();
  }
}
