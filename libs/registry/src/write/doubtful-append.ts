import { type PlacedPlan } from './batch-plan.js';

/** The commit of a batch was sent, and its answer was lost: it is not known whether the batch was committed. */
export class DoubtfulAppend extends Error {
  constructor(
    readonly placed: PlacedPlan,
    override readonly cause: unknown,
  ) {
    super('It is not known whether a batch was committed.');
  }
}
