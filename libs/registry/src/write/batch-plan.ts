import { type LockedHead, type LogEvent } from '@coordination/log';
import { type LeasedInstance, type ServiceTouch } from '@coordination/catalog';
import { type RoleTerm } from '@coordination/leadership';
import { type NewAnswer, type UsedKey } from '../idempotency/first-answers.js';
import { type RequestOutcome } from '../idempotency/request-outcome.js';
import { type QueuedRequest, type SystemEvent } from '../requests/write-request.js';
import { type ChangeTexts, type InstanceChange } from '../store/instance-change.js';

/** What one transaction may carry. The first request of a batch is taken whatever its size, because requests are never split. */
export interface BatchLimits {
  readonly maxChanges: number;
  /** Size of the instances before and after their changes, as JSON. */
  readonly maxBytes: number;
}

/** The decisions about a batch, before any of them is written. */
export interface BatchPlan {
  /** In revision order, gapless after the head. */
  readonly events: readonly LogEvent[];
  /** The JSON of each event, for the database. */
  readonly eventTexts: readonly string[];
  readonly changes: readonly InstanceChange[];
  readonly touches: readonly ServiceTouch[];
  /** In the order of their events. */
  readonly systemEvents: readonly SystemEvent[];
  /** One for each request that was taken, in their order; the rest belongs to the next batch. */
  readonly outcomes: readonly RequestOutcome[];
  /** First answers, to be stored with the changes. */
  readonly answers: readonly NewAnswer[];
}

/** The JSON texts of a plan that the database gets. */
export interface PlanTexts extends ChangeTexts {
  readonly events: string;
}

/** A plan with the position in the log that it was made for. */
export interface PlacedPlan {
  readonly head: LockedHead;
  readonly batchId: string;
  readonly plan: BatchPlan;
  readonly texts: PlanTexts;
}

/** The revision of the catalog after a batch. */
export const revisionAfter = ({ head, plan }: PlacedPlan): number => plan.events.at(-1)?.revision ?? head.revision;

/** What a batch is decided from. */
export interface BatchInput {
  readonly head: LockedHead;
  readonly batchId: string;
  readonly requests: readonly QueuedRequest[];
  /** The instances that the requests name, as far as they exist. */
  readonly found: readonly LeasedInstance[];
  /** The keys of the requests that were used before. */
  readonly usedKeys?: readonly UsedKey[];
  /** Terms in roles that have ended; requests for them are rejected. */
  readonly endedTerms?: ReadonlySet<RoleTerm>;
  readonly limits: BatchLimits;
}
