import { ScriptProcess } from '../harness/script-process.js';
import { judgeCell } from './judge-cell.js';
import { findLeases, markLeases } from './lease-findings.js';
import { kindsOf } from './kinds.js';
import { type CallersQuestion, type Repeated } from './load/callers-job.js';
import { type RunningNode } from './overload-bench.js';
import { type CellResult, type ReaderResult } from './report.js';
import { ServiceWatch } from './service-watch.js';

/** How many instances die in each window, and over which time (ms) at its beginning. */
const DYING = 6;
const DYING_SPREAD_MS = 400;

/** Some callers of one kind. */
export interface Load {
  readonly kind: string;
  readonly callers: number;
  readonly repeated: Repeated;
}

/** Starts the processes of loads, and runs them at the same time. @param begun called when all are ready */
export async function runLoads(
  url: string,
  loads: readonly Load[],
  seconds: number,
  begun: () => Promise<void>,
): Promise<ReaderResult[]> {
  const processes = loads.map(() => ScriptProcess.start('test/bench/overload/load/callers.ts'));
  try {
    await Promise.all(processes.map(process => process.ask<null>({ ask: 'prepare' } satisfies CallersQuestion)));
    await begun();
    return await Promise.all(
      processes.map((process, n) => {
        const { kind, callers, repeated } = loads[n]!;
        const question: CallersQuestion = { ask: 'run', url, kind, callers, repeated, seconds };
        return process.ask<ReaderResult>(question);
      }),
    );
  } finally {
    await Promise.all(processes.map(process => process.stop()));
  }
}

/** Puts a node under one kind of readers, or several, while instances renew their leases and some die. */
export async function runCell(
  running: RunningNode,
  { name, callers }: { readonly name: string; readonly callers: number },
): Promise<CellResult> {
  const { bench } = running;
  const loads = kindsOf(name, callers).map(({ kind, callers: each }) => ({
    kind: kind.name,
    callers: each,
    repeated: kind.repeated(bench.targets),
  }));
  return await runWindow(running, { name, callers, kindsAtOnce: loads.length }, begun =>
    runLoads(running.node.url, loads, bench.options.seconds, begun),
  );
}

/** A window of heartbeats, with whatever else goes on in it. @param work calls its argument when the window shall begin */
export async function runWindow(
  running: RunningNode,
  named: Pick<CellResult, 'name' | 'callers' | 'kindsAtOnce'>,
  work: (begun: () => Promise<void>) => Promise<readonly ReaderResult[]>,
): Promise<CellResult> {
  const { bench, node } = running;
  const { client, postgres } = bench;
  const mark = await markLeases(client);
  const dying = await running.registerDying(DYING);
  const watch = await ServiceWatch.begin(node, postgres.pid);
  const { readers, acknowledged, probes } = await bench.profiles.around(node, named, async () => {
    const readers = await work(() => running.beginWindow(dying, DYING_SPREAD_MS));
    const { acknowledged, ...probes } = await running.endWindow();
    return { readers, acknowledged, probes };
  });
  const seen = await watch.end();
  const leases = await findLeases(client, mark, acknowledged, dying);
  const cell = { ...named, probes, readers, leases, ...seen };
  return { ...cell, verdicts: judgeCell(cell) };
}
