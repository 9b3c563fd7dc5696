import { type LoadJob, type LoadResult } from '../load/load-job.js';
import { runScript } from './run-script.js';

/** Runs a load in a process of its own. @param warm called when its warm-up is over; the load goes on when that is done */
export async function runLoad(job: LoadJob, warm?: () => Promise<void>): Promise<LoadResult> {
  return JSON.parse(await runScript('test/bench/load/load.ts', job, warm)) as LoadResult;
}
