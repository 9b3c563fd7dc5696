import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type BenchPostgres } from '../harness/bench-postgres.js';
import { describeMachine } from '../machine.js';
import { cellsOf } from './kinds.js';
import { OverloadBench, type RunningNode } from './overload-bench.js';
import { cellLine, missed } from './overload-table.js';
import { type CellResult, type OverloadOptions, type OverloadReport, type ScenarioResult } from './report.js';
import { runCell, runWindow } from './run-cell.js';
import { SCENARIOS } from './scenarios/index.js';

/** How long (s) heartbeats go on alone before anything is measured: code is compiled, and connections are opened. */
const WARM_UP_SECONDS = 3;

/** How long (ms) a node rests after a cell, so that the next one does not begin with its remains. */
const REST_MS = 500;

/**
 * Puts a node under readers of all kinds, one after the other, and several at once, and looks at what those see who must not be
 * hurt by it: heartbeats, probes of readiness, and instances that die.
 */
export async function runOverload(
  postgres: BenchPostgres,
  options: OverloadOptions,
  say: (line: string) => void,
): Promise<OverloadReport> {
  const [loadBefore = Number.NaN] = loadavg();
  const bench = await OverloadBench.open(postgres, options, say);
  try {
    const { quiet, cells } = await bench.withNode({}, running => measureCells(running));
    const scenarios: ScenarioResult[] = [];
    for (const name of options.scenarios) {
      const result = { name, ...(await SCENARIOS[name](bench)) };
      say(`${name}: ${missed(result.verdicts)}`);
      scenarios.push(result);
    }
    return {
      kind: 'overload',
      at: new Date().toISOString(),
      machine: describeMachine(),
      database: await postgres.describe(),
      loadBefore,
      options,
      quiet,
      cells,
      scenarios,
    };
  } finally {
    await bench.close();
  }
}

async function measureCells(running: RunningNode): Promise<Pick<OverloadReport, 'quiet' | 'cells'>> {
  const { options, say } = running.bench;
  await delay(WARM_UP_SECONDS * 1_000);
  const alone = { name: 'nobody', callers: 0, kindsAtOnce: 0 };
  const quiet = await runWindow(running, alone, async begun => {
    await begun();
    await delay(options.seconds * 1_000);
    return [];
  });
  say(cellLine(quiet));
  const cells: CellResult[] = [];
  for (const cell of cellsOf(options.kinds, options.callers)) {
    const result = await runCell(running, cell);
    say(cellLine(result));
    cells.push(result);
    await delay(REST_MS);
  }
  return { quiet, cells };
}
