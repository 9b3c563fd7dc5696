import { type BenchContext } from '../bench-case.js';
import { batchesOf } from '../data/batches-of.js';
import { expectOnly } from '../harness/correctness.js';
import { runLoad } from '../harness/run-load.js';
import { type LoadRequest, type LoadResult } from '../load/load-job.js';
import { INSTANCES_PATH } from '../load/registration.js';
import { type CpuUse, cpuOf, type Processes } from './cpu-use.js';

/** Heartbeats per second: the same at each size, so that what one costs can be compared. */
const SINGLES_PER_SECOND = 1_000;
const BATCHES_PER_SECOND = 5;
const PER_BATCH = 1_000;

/** What a node answers while it cannot note renewals in time; how often is a figure of its own. */
const REFUSED = 503;

const MICROSECONDS = 1_000_000;

const single = (id: string): LoadRequest => ({ method: 'PUT', path: `${INSTANCES_PATH}/${id}/heartbeat` });

const batch = (ids: readonly string[]): LoadRequest => ({
  method: 'POST',
  path: '/api/v1/registry/heartbeats',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ ids }),
});

/** What heartbeats cost of processor time, alone and a thousand at a time, and how fast they are answered. */
export async function measureHeartbeats(
  { seconds, warmUpSeconds }: BenchContext,
  processes: Processes,
  idle: CpuUse,
  ids: readonly string[],
): Promise<Record<string, number>> {
  const run = (requests: readonly LoadRequest[], perSecond: number, connections: number) =>
    cpuOf(processes, idle, () =>
      runLoad({
        url: processes.node.url,
        connections,
        seconds,
        warmUpSeconds,
        perSecond,
        workload: { kind: 'in-turn', requests },
      }),
    );
  const singles = await run(ids.map(single), SINGLES_PER_SECOND, 20);
  expectOnly(singles.result, 204, REFUSED);
  const batches = await run([...batchesOf(ids, PER_BATCH)].map(batch), BATCHES_PER_SECOND, 2);
  expectOnly(batches.result, 200, REFUSED);
  return {
    ...costs('heartbeat', singles.result, singles.used, 1),
    ...costs('heartbeat in batch', batches.result, batches.used, Math.min(PER_BATCH, ids.length)),
  };
}

const costs = (
  name: string,
  { sent, p50, p99, statuses }: LoadResult,
  used: CpuUse,
  each: number,
): Record<string, number> => ({
  [`${name} p50 ms`]: p50,
  [`${name} p99 ms`]: p99,
  [`${name} refused`]: statuses[REFUSED] ?? 0,
  [`${name} node CPU µs`]: (used.service / (sent * each)) * MICROSECONDS,
  [`${name} PostgreSQL CPU µs`]: (used.postgres / (sent * each)) * MICROSECONDS,
});
