// Watchers of one service, and the changes that they are told, in one process, so that one clock measures both.
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'node:http';
import { Api, named } from '../../support/http/api.js';
import { percentile } from '../harness/statistics.js';
import { openWatch } from './open-watch.js';

export interface WatchJob {
  readonly url: string;
  readonly watchers: number;
  readonly service: string;
  readonly changesPerSecond: number;
  readonly seconds: number;
}

export interface WatchResult {
  /** From the acknowledgement of a change to its arrival at a watcher (ms). */
  readonly p50: number;
  readonly p99: number;
  /** Arrivals per second, of all watchers together. */
  readonly perSecond: number;
  /** Arrivals at all watchers together. */
  readonly operations: number;
  /** Revisions that a watcher was not told, or told twice, of all watchers together. */
  readonly wrong: number;
}

/** How long (ms) the last changes may take to arrive. */
const PATIENCE_MS = 20_000;

const job = JSON.parse(await text(process.stdin)) as WatchJob;
const api = new Api(job.url);
const agent = new Agent({ keepAlive: false });
const acknowledgedAt = new Map<number, number>();
const arrivals: { readonly revision: number; readonly at: number }[] = [];
const told = Array.from({ length: job.watchers }, () => [] as number[]);

const watch = (number: number): Promise<void> =>
  openWatch(`${job.url}/api/v1/discovery/watch?service=${job.service}`, agent, ({ id, event }) => {
    if (!event?.startsWith('instance.')) return;
    told[number]!.push(Number(id));
    arrivals.push({ revision: Number(id), at: performance.now() });
  });

await api.register({ service: job.service, instanceId: 'watched', check: { kind: 'none' } });
for (let n = 0; n < job.watchers; n += 50) {
  await Promise.all(Array.from({ length: Math.min(50, job.watchers - n) }, (_, k) => watch(n + k)));
}
const begun = performance.now();
for (let n = 0; n < job.changesPerSecond * job.seconds; n++) {
  await delay(begun + (n * 1_000) / job.changesPerSecond - performance.now());
  const { revision } = await api.send('PATCH', named('watched', job.service), { weight: 1 + n });
  acknowledgedAt.set(revision, performance.now());
}
const until = performance.now() + PATIENCE_MS;
while (arrivals.length < job.watchers * acknowledgedAt.size && performance.now() < until) await delay(20);

const revisions = [...acknowledgedAt.keys()];
const isRight = (those: readonly number[]) =>
  those.length === revisions.length && those.every((revision, n) => revision === revisions[n]);
const latencies = arrivals.map(({ revision, at }) => Math.max(0, at - (acknowledgedAt.get(revision) ?? at)));
const result: WatchResult = {
  p50: percentile(latencies, 50),
  p99: percentile(latencies, 99),
  perSecond: arrivals.length / ((arrivals.at(-1)?.at ?? begun) - begun) / 0.001,
  operations: arrivals.length,
  wrong: told.filter(those => !isRight(those)).length,
};
process.stdout.write(JSON.stringify(result), () => process.exit());
