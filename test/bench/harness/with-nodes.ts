import { type BenchContext, type Measured } from '../bench-case.js';
import { type LoadJob, type LoadPhase, type LoadResult } from '../load/load-job.js';
import { BenchNode } from './bench-node.js';
import { CpuMeter } from './cpu-meter.js';
import { runLoad } from './run-load.js';

/** Nodes on a new database, for one measurement. */
export interface Bench {
  readonly databaseUrl: string;
  readonly nodes: readonly BenchNode[];
  /** The first one. */
  readonly node: BenchNode;
  /** Puts the first node under a load as long as everything is measured, and tells how busy nodes and database were. */
  readonly load: (job: Pick<LoadJob, 'connections' | 'workload'>) => Promise<LoadResult & Measured>;
  /** Measures something else, and tells the same. */
  readonly busy: <T extends Measured>(work: () => Promise<T>) => Promise<T & Measured>;
}

/** How the nodes of a measurement are started. */
export interface NodesOptions {
  readonly nodes?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Fills the database before the nodes start. */
  readonly prepare?: (databaseUrl: string) => Promise<void>;
}

/** What is counted in the log is what the load made. */
const ALONE = { PCS_SELF_REGISTRATION: 'off' };

/** Runs a measurement on a new database with nodes of its own, and takes both away afterwards. */
export async function withNodes<T>(
  context: BenchContext,
  { nodes: count = 1, env = {}, prepare }: NodesOptions,
  measure: (bench: Bench) => Promise<T>,
): Promise<T> {
  const { postgres, build } = context;
  const databaseUrl = await postgres.createDatabase(build?.template);
  const nodes: BenchNode[] = [];
  try {
    await prepare?.(databaseUrl);
    for (let n = 0; n < count; n++) {
      nodes.push(await BenchNode.start(databaseUrl, { env: { ...ALONE, ...env }, checkout: build?.checkout }));
    }
    return await measure({ databaseUrl, ...measuring(context, nodes) });
  } finally {
    for (const node of nodes) await node.stop();
    await postgres.dropDatabase(databaseUrl);
  }
}

/** What is measured is measured in this measurement's turn, where it takes turns with another one. */
function measuring(context: BenchContext, nodes: readonly BenchNode[]): Omit<Bench, 'databaseUrl'> {
  const { seconds, warmUpSeconds, warmUpOperations, slices, turn } = context;
  const node = nodes[0]!;
  const meterOf = () =>
    new CpuMeter(
      nodes.map(({ pid }) => pid),
      context.postgres.pid,
    );
  return {
    nodes,
    node,
    async load({ connections, workload }) {
      const meter = meterOf();
      const job = { url: node.url, connections, seconds, warmUpSeconds, warmUpOperations, slices, workload };
      const result = await runLoad(job, async (phase: LoadPhase) => {
        if (phase !== 'end') await turn?.take();
        if (phase === 'load') await meter.start();
        if (phase !== 'end') return;
        await meter.stop();
        turn?.pass();
      });
      await turn?.together();
      return { ...result, ...meter.use };
    },
    async busy(work) {
      const meter = meterOf();
      await turn?.take();
      await meter.start();
      const measured = await work();
      await meter.stop();
      turn?.pass();
      await turn?.together();
      return { ...measured, ...meter.use };
    },
  };
}
