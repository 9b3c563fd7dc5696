import { type LoadJob, type LoadPhase, type LoadResult } from '../load/load-job.js';
import { runScript } from './run-script.js';

/** Runs a load in a process of its own. @param reached called at each phase; the load goes on when that is done */
export async function runLoad(job: LoadJob, reached?: (phase: LoadPhase) => Promise<void>): Promise<LoadResult> {
  const onMessage = reached && ((message: unknown) => reached(message as LoadPhase));
  return JSON.parse(await runScript('test/bench/load/load.ts', job, onMessage)) as LoadResult;
}
