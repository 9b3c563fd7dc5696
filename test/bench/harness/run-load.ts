import { type LoadJob, type LoadResult } from '../load/load-job.js';
import { runScript } from './run-script.js';

/** Runs a load in a process of its own. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  return JSON.parse(await runScript('test/bench/load/load.ts', job)) as LoadResult;
}
