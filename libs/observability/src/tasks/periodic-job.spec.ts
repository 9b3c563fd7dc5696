import { describe, expect, it } from 'vitest';
import { aTask } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { type JobSchedule, PeriodicJob } from './periodic-job.js';

class CountingJob extends PeriodicJob {
  turns = 0;

  constructor(schedule: Partial<JobSchedule> = {}) {
    super({ task: aTask('head-anchor'), everyMs: 1, ...schedule });
  }

  get hasEnded(): boolean {
    return this.signal.aborted;
  }

  protected override turn(): Promise<void> {
    this.turns += 1;
    return Promise.resolve();
  }
}

describe('PeriodicJob', () => {
  it('does turns from the start of the application until its end', async () => {
    const job = new CountingJob({ jitter: 0 });
    expect(job.turns).toBe(0);
    job.onApplicationBootstrap();
    await waitFor('two turns', () => job.turns >= 2);
    await job.onModuleDestroy();
    const { turns } = job;
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(job.turns).toBe(turns);
    expect(job.hasEnded).toBe(true);
  });

  it('waits until it is ready, and does nothing when the application ends before', async () => {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const [first, second] = [new CountingJob({ ready }), new CountingJob({ ready })];
    for (const job of [first, second]) job.onApplicationBootstrap();
    await second.onModuleDestroy();
    expect(first.turns).toBe(0);
    resolve();
    await waitFor('the first turn', () => first.turns > 0);
    await first.onModuleDestroy();
    expect(second.turns).toBe(0);
  });
});
