import { type Scheduler, SLICE_MS } from './scheduler.js';
import { type WorkOwner } from './work-queue.js';

/**
 * Works through steps to their end. The first slice begins at once, in the current turn of the event loop, so short work needs
 * nothing of the scheduler. Longer work goes on in slices of the scheduler.
 * @param steps yields where other work may run in between
 * @param firstMs how long (ms) the first slice lasts
 */
export async function inSlices<Result>(
  scheduler: Scheduler,
  owner: WorkOwner,
  steps: Generator<void, Result, void>,
  firstMs = SLICE_MS,
): Promise<Result> {
  const { clock } = scheduler;
  const endsAtMs = clock.monotonicMs() + firstMs;
  do {
    const step = steps.next();
    if (step.done) return step.value;
  } while (clock.monotonicMs() < endsAtMs);
  const turn = scheduler.begin(owner);
  try {
    for (;;) {
      await turn.step();
      const step = steps.next();
      if (step.done) return step.value;
    }
  } finally {
    turn.end();
  }
}

/**
 * Calls a function in the next slice of the scheduler. What the function goes on to do in microtasks counts for that slice; the
 * rest of the slice is for other work.
 */
export async function inNextSlice(scheduler: Scheduler, owner: WorkOwner, work: () => void): Promise<void> {
  const turn = scheduler.begin(owner);
  await turn.next();
  work();
  process.nextTick(() => turn.end());
}
