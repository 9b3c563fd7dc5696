import { setTimeout as delay } from 'node:timers/promises';
import { type BenchNode } from '../harness/bench-node.js';
import { cpuSeconds } from '../harness/cpu.js';

/** Processor time (s) of a node and of PostgreSQL. */
export interface CpuUse {
  readonly service: number;
  readonly postgres: number;
}

/** A node and its database, as processes. */
export interface Processes {
  readonly node: BenchNode;
  readonly postgresPid: number;
}

const now = async ({ node, postgresPid }: Processes): Promise<CpuUse> => ({
  service: (await cpuSeconds(node.pid)) ?? Number.NaN,
  postgres: (await cpuSeconds(postgresPid)) ?? Number.NaN,
});

/** What a work costs of processor time beyond what goes on without it. @param idle per second, without the work */
export async function cpuOf<T>(
  processes: Processes,
  idle: CpuUse,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly used: CpuUse }> {
  const [before, begun] = [await now(processes), performance.now()];
  const result = await work();
  const seconds = (performance.now() - begun) / 1_000;
  const after = await now(processes);
  const beyond = (key: keyof CpuUse) => Math.max(0, after[key] - before[key] - idle[key] * seconds);
  return { result, used: { service: beyond('service'), postgres: beyond('postgres') } };
}

/** Processor time per second while nobody asks for anything. */
export async function idleUse(processes: Processes, seconds: number): Promise<CpuUse> {
  const none: CpuUse = { service: 0, postgres: 0 };
  const { used } = await cpuOf(processes, none, () => delay(seconds * 1_000));
  return { service: used.service / seconds, postgres: used.postgres / seconds };
}
