import { newId } from '@coordination/kernel';
import { inSlices, Scheduler } from '@coordination/scheduling';
import { Inject, Injectable } from '@nestjs/common';
import { changeText } from '../store/service-instance.repository.js';
import { type BatchInput, type BatchPlan, type PlacedPlan, type PlanTexts } from './batch-plan.js';
import { planningSteps } from './plan-batch.js';
import { batchLimits, writeSettings, type WriteSettings } from './write-settings.js';

/**
 * Plans of large batches are made in slices of the most urgent class: while they are made, the head of the log is locked or the
 * plan is getting out of date, and the ends of leases wait for it like all other writes.
 */
const OWNER = { workClass: 'liveness' } as const;

/** Decides batches, and makes the texts that the database gets: at once, or in slices when that takes long. */
@Injectable()
export class BatchPlanner {
  constructor(
    private readonly scheduler: Scheduler,
    @Inject(writeSettings) private readonly settings: WriteSettings,
  ) {}

  async plan(input: Omit<BatchInput, 'batchId' | 'limits'>): Promise<PlacedPlan> {
    const batchId = newId();
    const steps = placingSteps({ ...input, batchId, limits: batchLimits(this.settings) });
    return await inSlices(this.scheduler, OWNER, steps);
  }
}

function* placingSteps(input: BatchInput): Generator<void, PlacedPlan, void> {
  const plan = yield* planningSteps(input);
  const texts = yield* textSteps(plan);
  return { head: input.head, batchId: input.batchId, plan, texts };
}

function* textSteps({ changes, touches, eventTexts }: BatchPlan): Generator<void, PlanTexts, void> {
  const changeTexts: string[] = [];
  for (const change of changes) {
    changeTexts.push(changeText(change));
    yield;
  }
  return { changes: arrayOf(changeTexts), touches: JSON.stringify(touches), events: arrayOf(eventTexts) };
}

const arrayOf = (texts: readonly string[]): string => `[${texts.join(',')}]`;
