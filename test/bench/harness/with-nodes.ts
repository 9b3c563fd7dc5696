import { type BenchContext, type Measured } from '../bench-case.js';
import { BenchNode } from './bench-node.js';
import { cpuSeconds } from './cpu.js';

/** Called by a work whose warm-up is over. It goes on when that is done. */
type Warm = () => Promise<void>;

/** Nodes on a new database, for one measurement. */
export interface Bench {
  readonly databaseUrl: string;
  readonly nodes: readonly BenchNode[];
  /** The first one. */
  readonly node: BenchNode;
  /**
   * Measures, and tells how busy nodes and database were meanwhile: from when the work calls `warm`, or else from its begin.
   */
  readonly busy: <T extends Measured>(work: (warm: Warm) => Promise<T>) => Promise<T & Measured>;
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
  { postgres, build }: BenchContext,
  { nodes: count = 1, env = {}, prepare }: NodesOptions,
  measure: (bench: Bench) => Promise<T>,
): Promise<T> {
  const databaseUrl = await postgres.createDatabase(build?.template);
  const nodes: BenchNode[] = [];
  try {
    await prepare?.(databaseUrl);
    for (let n = 0; n < count; n++)
      nodes.push(await BenchNode.start(databaseUrl, { ...ALONE, ...env }, build?.checkout));
    const busy = <M extends Measured>(work: (warm: Warm) => Promise<M>) => withCpu(nodes, postgres.pid, work);
    return await measure({ databaseUrl, nodes, node: nodes[0]!, busy });
  } finally {
    for (const node of nodes) await node.stop();
    await postgres.dropDatabase(databaseUrl);
  }
}

async function withCpu<M extends Measured>(
  nodes: readonly BenchNode[],
  postgresPid: number,
  work: (warm: Warm) => Promise<M>,
): Promise<M & Measured> {
  const used = async () => ({
    at: performance.now(),
    service: sum(await Promise.all(nodes.map(({ pid }) => cpuSeconds(pid)))),
    postgres: await cpuSeconds(postgresPid),
  });
  let before = await used();
  const measured = await work(async () => {
    before = await used();
  });
  const after = await used();
  const seconds = (after.at - before.at) / 1_000;
  const cores = (key: 'service' | 'postgres') => {
    const [from, to] = [before[key], after[key]];
    return from === undefined || to === undefined ? undefined : (to - from) / seconds;
  };
  return { ...measured, busySeconds: seconds, serviceCores: cores('service'), postgresCores: cores('postgres') };
}

const sum = (values: readonly (number | undefined)[]): number | undefined =>
  values.includes(undefined) ? undefined : values.reduce<number>((total, value) => total + (value ?? 0), 0);
