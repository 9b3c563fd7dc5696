import { type BenchCase } from './bench-case.js';
import { type BenchPostgres } from './harness/bench-postgres.js';
import { describeMachine } from './machine.js';
import { type Options } from './options.js';
import { type Report } from './report.js';
import { type CaseResult, runCase } from './run-case.js';
import { pg1Tool } from './yardsticks/pg1.js';

const REPETITIONS = 3;

/** A case that fills a database first compares itself with other sizes, and is long enough as it is. */
const REPETITIONS_OF_GROWING = 1;

/** Runs cases one after the other; one that fails does not keep the others from it. */
export async function runCases(
  postgres: BenchPostgres,
  cases: readonly BenchCase[],
  options: Pick<Options, 'seconds' | 'warmUpSeconds' | 'repetitions'>,
  say: (line: string) => void,
): Promise<{ readonly report: Report; readonly failures: readonly string[] }> {
  const { seconds, warmUpSeconds } = options;
  const context = { postgres, pg1Tool: await pg1Tool(), seconds, warmUpSeconds };
  const results: CaseResult[] = [];
  const failures: string[] = [];
  for (const benchCase of cases) {
    const repetitions = options.repetitions ?? (benchCase.growth ? REPETITIONS_OF_GROWING : REPETITIONS);
    try {
      results.push(await runCase(benchCase, context, repetitions, say));
    } catch (error) {
      failures.push(`${benchCase.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      say(`${benchCase.name} FAILED`);
    }
  }
  const report: Report = {
    at: new Date().toISOString(),
    machine: describeMachine(),
    seconds,
    repetitions: options.repetitions ?? REPETITIONS,
    pg1Tool: context.pg1Tool,
    database: await postgres.describe(),
    cases: results,
  };
  return { report, failures };
}
