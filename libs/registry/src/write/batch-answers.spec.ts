import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type HistoryCheck } from '@coordination/catalog';
import { type Clock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { anOrigin } from '../../../../test/support/catalog/factories.js';
import { SwitchableCatalog } from '../../../../test/support/catalog/switchable-catalog.js';
import { type AnswerRecall } from '../idempotency/answer-recall.js';
import { BatchAnswers } from './batch-answers.js';
import { type PlacedPlan } from './batch-plan.js';
import { type PendingWrite } from './queue/pending-write.js';
import { WriterMetrics } from './writer-metrics.js';

describe('the answers of a batch', () => {
  it('are given in their order and in slices, so that a thousand callers do not hold up the loop', async () => {
    const clock: Clock & { ms: number } = { ms: 0, now: () => new Date(0), monotonicMs: () => clock.ms };
    const scheduler = new Scheduler(clock);
    // A batch without events and keys needs neither of the two.
    const [history, recall] = [{} as HistoryCheck, {} as AnswerRecall];
    const answers = new BatchAnswers(
      new SwitchableCatalog(),
      history,
      recall,
      new WriterMetrics(new Metrics()),
      scheduler,
    );
    const answered: number[] = [];
    const batch = Array.from({ length: 1_000 }, (_, n): PendingWrite => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const caller = async () => {
        await promise;
        // What the caller does with its answer.
        clock.ms += 0.25;
        answered.push(n);
      };
      void caller();
      return { request: { commands: [], origin: anOrigin() }, resolve, reject, since: 0 };
    });
    const outcomes = batch.map(() => ({ results: [], note: undefined }));
    const placed = {
      head: { revision: 7, epoch: 'e' },
      batchId: 'b',
      plan: { events: [], changes: [], touches: [], systemEvents: [], outcomes, answers: [] },
    } as unknown as PlacedPlan;
    const given = answers.give(batch, placed);
    expect(answered, 'the next batch comes first').toEqual([]);
    await nextTurnOfLoop();
    await nextTurnOfLoop();
    expect(answered.length).toBeGreaterThan(0);
    expect(answered.length, 'answers in one turn of the loop').toBeLessThan(50);
    await given;
    await nextTurnOfLoop();
    expect(answered).toEqual(batch.map((_, n) => n));
    expect(scheduler.use('write').spentMs).toBeGreaterThan(200);
  });
});
