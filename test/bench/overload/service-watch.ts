import { readdir } from 'node:fs/promises';
import { metricsOf } from '../../support/nodes/metrics.js';
import { type BenchNode } from '../harness/bench-node.js';
import { cpuSeconds, residentMiB } from '../harness/cpu.js';
import { type CellResult } from './report.js';

/** How often (ms) memory is looked at. */
const SAMPLE_MS = 100;

const MIB = 2 ** 20;
const MS = 1_000;

const LOOP_DELAY = 'nodejs_eventloop_lag_max_seconds';

/** The service's own metric of its budget, however its name goes on. */
const BUDGET = /^pcs_memory_budget\w*_bytes$/;

/** What is seen of the process of the service in a window. */
type Seen = Pick<CellResult, 'rssMiB' | 'budgetMiB' | 'longestTurnMs' | 'cpu'>;

/** Looks at the process of the service from outside, and at its metrics before and after. */
export class ServiceWatch {
  private highestMiB = 0;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly node: BenchNode,
    private readonly postgresPid: number,
    private readonly cpuBefore: CellResult['cpu'],
  ) {
    this.timer = setInterval(() => void this.look(), SAMPLE_MS);
  }

  static async begin(node: BenchNode, postgresPid: number): Promise<ServiceWatch> {
    // The metric is the longest delay since it was last read.
    await metricsOf(node.api);
    return new ServiceWatch(node, postgresPid, await cpuOf(node, postgresPid));
  }

  /** The highest memory up to now (MiB). */
  get rssMiB(): number {
    return this.highestMiB;
  }

  async end(): Promise<Seen> {
    clearInterval(this.timer);
    await this.look();
    const after = await cpuOf(this.node, this.postgresPid);
    const metrics = await metricsOf(this.node.api);
    const [, budget] = [...metrics].find(([name]) => BUDGET.test(name)) ?? [];
    return {
      rssMiB: this.highestMiB,
      budgetMiB: budget === undefined ? undefined : budget / MIB,
      longestTurnMs: (metrics.get(LOOP_DELAY) ?? Number.NaN) * MS,
      cpu: {
        service: after.service - this.cpuBefore.service,
        postgres: after.postgres - this.cpuBefore.postgres,
      },
    };
  }

  private async look(): Promise<void> {
    this.highestMiB = Math.max(this.highestMiB, (await residentMiB(this.node.pid)) ?? Number.NaN);
  }
}

async function cpuOf(node: BenchNode, postgresPid: number): Promise<CellResult['cpu']> {
  const [service, postgres] = await Promise.all([cpuSeconds(node.pid), cpuSeconds(postgresPid)]);
  return { service: service ?? Number.NaN, postgres: postgres ?? Number.NaN };
}

/** How many files and sockets a process has open; undefined where there is no /proc. */
export async function openDescriptors(pid: number): Promise<number | undefined> {
  return await readdir(`/proc/${pid}/fd`).then(
    names => names.length,
    () => undefined,
  );
}
