import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { canonicalJson, type Clock } from '@coordination/kernel';
import { hashEvent } from '@coordination/log/testing';
import { Scheduler } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { aLeasedInstance, anIdentity, anOrigin, registerCommand } from '../../../../test/support/catalog/factories.js';
import { LOCKED_HEAD } from '../../../../test/support/catalog/locked-head.js';
import { type BatchInput } from './batch-plan.js';
import { BatchPlanner, planBatch } from './plan-batch.js';

const SETTINGS = { maxBatchChanges: 512, maxQueuedCommands: 10_000, headHoldLimitMs: 2_000 };

const inputOf = (commands: number): Omit<BatchInput, 'batchId' | 'limits'> => ({
  head: LOCKED_HEAD,
  requests: [
    {
      commands: Array.from({ length: commands }, (_, n) =>
        registerCommand({ identity: anIdentity({ instanceId: `i-${n}` }) }),
      ),
      origin: anOrigin(),
    },
  ],
  found: [aLeasedInstance({ instanceId: 'i-0' })],
});

/** A clock by which each look at it costs so much (ms). */
const clockOf = (costMs: number): Clock => {
  let ms = 0;
  return { now: () => new Date(0), monotonicMs: () => (ms += costMs) };
};

describe('The plan of a batch', () => {
  it('of 1,000 instances is made in slices: the event loop turns in between, and the plan is the same', async () => {
    const scheduler = new Scheduler(clockOf(1));
    const planner = new BatchPlanner(scheduler, SETTINGS);
    const input = inputOf(1_000);
    const states: string[] = [];
    const planned = planner.plan(input).finally(() => states.push('planned'));
    let turns = 0;
    for (; states.length === 0; turns++) await nextTurnOfLoop();
    expect(turns).toBeGreaterThan(100);
    expect(scheduler.use('liveness').pieces).toBeGreaterThan(100);
    const { batchId, plan } = await planned;
    const limits = { maxChanges: 512, maxBytes: Infinity };
    expect(plan).toEqual(planBatch({ ...input, batchId, limits }));
  });

  it('of a few instances is made at once', async () => {
    const scheduler = new Scheduler(clockOf(0));
    let isMade = false;
    const planned = new BatchPlanner(scheduler, SETTINGS).plan(inputOf(20)).then(() => (isMade = true));
    // Promises only: immediates have not run.
    for (let n = 0; n < 10; n++) await Promise.resolve();
    expect(isMade).toBe(true);
    await planned;
    expect(scheduler.use('liveness').pieces).toBe(0);
  });

  it('comes with the texts of what it says', async () => {
    const { plan, texts } = await new BatchPlanner(new Scheduler(clockOf(0)), SETTINGS).plan(inputOf(3));
    const events = JSON.parse(texts.events) as unknown[];
    expect(events, 'one of the three is as it was').toHaveLength(2);
    expect(canonicalJson(events)).toBe(canonicalJson(plan.events));
    for (const event of plan.events) expect(hashEvent(event)).toBe(event.hash);
    expect((JSON.parse(texts.changes) as { id: string }[]).map(({ id }) => id)).toEqual(
      plan.changes.map(({ after }) => after!.instance.id),
    );
    expect(JSON.parse(texts.touches)).toEqual(plan.touches);
  });
});
