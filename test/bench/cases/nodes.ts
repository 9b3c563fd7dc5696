import { type BenchCase, type BenchContext, type Measured } from '../bench-case.js';
import { ask } from '../harness/bench-postgres.js';
import { expectChainValid } from '../harness/correctness.js';
import { runScript } from '../harness/run-script.js';
import { withNodes } from '../harness/with-nodes.js';
import { type LagJob, type LagResult } from '../load/lag.js';
import { REGISTER_50 } from './register.js';

/** Of the rate that one node can register at, so much goes on meanwhile. */
const BACKGROUND_SHARE = 0.5;

async function lagWith(count: number, perSecond: number, context: BenchContext): Promise<Measured> {
  return await withNodes(context, { nodes: count }, async ({ databaseUrl, nodes, busy }) => {
    const job: LagJob = { urls: nodes.map(({ url }) => url), perSecond, seconds: context.seconds };
    const measured = await busy(async () => JSON.parse(await runScript('test/bench/load/lag.ts', job)) as LagResult);
    const [row] = await ask<{ gaps: number }>(
      databaseUrl,
      'select (max(revision) - count(*))::int as gaps from service_event',
    );
    await expectChainValid(nodes[0]!.api);
    return { ...measured, figures: { gaps: row!.gaps, samples: measured.samples } };
  });
}

const nodes = (count: number): BenchCase => ({
  name: `nodes-${count}`,
  work: `lag from a write on one of ${count} nodes to minRevision on another, at half of one node's register rate`,
  unit: 'registrations/s',
  targets: [
    { what: 'p99 100 ms', of: 'p99', atMost: 100 },
    { what: 'no gaps', of: 'figure gaps', atMost: 0 },
  ],
  measure: async context => {
    const { perSecond = 0 } = await REGISTER_50.measure(context);
    return await lagWith(count, Math.round(perSecond * BACKGROUND_SHARE), context);
  },
});

export const NODES = [nodes(1), nodes(2), nodes(3)];
