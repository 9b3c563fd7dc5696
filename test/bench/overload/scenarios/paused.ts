import { setTimeout as delay } from 'node:timers/promises';
import { findLeases, markLeases } from '../lease-findings.js';
import { type OverloadBench } from '../overload-bench.js';
import { neverOf } from '../verdict.js';
import { type Seen } from './scenario.js';

/** How long (s) the only node is paused, and how long the leases last of those that renew: shorter, so that all end meanwhile. */
const PAUSED_SECONDS = 20;
const TTL_SECONDS = 10;

/** How long (s) is looked at what became of them: they renew within their ttl, and a node that ended them would have by then. */
const AFTERWARDS_SECONDS = TTL_SECONDS + 5;

/** How long (s) heartbeats go on before, so that all have renewed. */
const BEFORE_SECONDS = 3;

/** The only node is paused (SIGSTOP) for twice the ttl of those that renew. */
export async function paused(bench: OverloadBench): Promise<Seen> {
  return await bench.withNode({ ttlSeconds: TTL_SECONDS }, async running => {
    const { node } = running;
    await delay(BEFORE_SECONDS * 1_000);
    const mark = await markLeases(bench.client);
    await running.beginWindow();
    node.pause();
    await delay(PAUSED_SECONDS * 1_000);
    const resumedAt = Date.now();
    node.resume();
    await delay(AFTERWARDS_SECONDS * 1_000);
    const { acknowledged } = await running.endWindow();
    const leases = await findLeases(bench.client, mark, acknowledged, []);
    const { lost, ended, guards } = leases;
    const begun = Object.entries(guards).map(([reason, times]) => [`guards begun, ${reason}`, times] as const);
    return {
      figures: {
        'instances that renewed afterwards': Object.values(acknowledged).filter(sentAt => sentAt >= resumedAt).length,
        'instances ended that renewed': ended,
        'renewals lost': lost,
        ...Object.fromEntries(begun),
      },
      verdicts: [neverOf('instances ended that renewed', ended), neverOf('renewals lost', lost)],
    };
  });
}
