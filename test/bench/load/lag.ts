// Writes on one node, reads with that revision on another, while registrations keep the first one busy; one clock for all.
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { Api, named } from '../../support/http/api.js';
import { percentile } from '../harness/statistics.js';
import { requestsOf } from './requests-of.js';

export interface LagJob {
  /** Nodes; the first one is written to. */
  readonly urls: readonly string[];
  /** Registrations per second meanwhile. */
  readonly perSecond: number;
  readonly seconds: number;
}

export interface LagResult {
  /** From the answer of a write on one node to that of a read with its revision on another (ms). */
  readonly p50: number;
  readonly p99: number;
  /** Registrations per second that were made meanwhile. */
  readonly perSecond: number;
  readonly samples: number;
  /** Registrations, and the write and the read of each sample. */
  readonly operations: number;
}

const SAMPLES_PER_SECOND = 20;
const CONNECTIONS = 20;

const job = JSON.parse(await text(process.stdin)) as LagJob;
const [writing, ...reading] = job.urls.map(url => new Api(url));
const readers = reading.length > 0 ? reading : [writing!];
const next = requestsOf({ kind: 'register', prefix: 'background', perRequest: 1 });
const background = autocannon({
  url: job.urls[0]!,
  connections: CONNECTIONS,
  duration: job.seconds,
  overallRate: job.perSecond,
  requests: [{ setupRequest: request => ({ ...request, ...next() }) }],
});

await writing!.register({ service: 'lag', instanceId: 'lag', check: { kind: 'none' } });
const lags: number[] = [];
const begun = performance.now();
for (let n = 0; performance.now() - begun < (job.seconds - 1) * 1_000; n++) {
  const { revision } = await writing!.send('PATCH', named('lag', 'lag'), { weight: 1 + (n % 10_000) });
  const answered = performance.now();
  const reader = readers[n % readers.length]!;
  const { status } = await reader.get(`/api/v1/discovery/services/lag/instances?minRevision=${revision}`);
  if (status !== 200) throw new Error(`A read with minRevision was answered ${status}.`);
  lags.push(performance.now() - answered);
  await delay(1_000 / SAMPLES_PER_SECOND);
}
const { requests, duration } = await background;
const result: LagResult = {
  p50: percentile(lags, 50),
  p99: percentile(lags, 99),
  perSecond: requests.total / duration,
  samples: lags.length,
  operations: requests.total + 2 * lags.length,
};
process.stdout.write(JSON.stringify(result), () => process.exit());
