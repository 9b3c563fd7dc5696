// One load, in a process of its own: the job comes by standard input, the result is printed. Both are JSON.
import { once } from 'node:events';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { median } from '../harness/statistics.js';
import { type LoadJob, type LoadPhase, type LoadResult, LONGEST_WARM_UP } from './load-job.js';
import { requestsOf } from './requests-of.js';

/** How long (ms) a node may take to end what was in flight when a slice ended: it is not to be taken for work of the next one. */
const IN_FLIGHT_MS = 250;

/** How far apart (ms) samples are of a load that is cut into slices. */
const SAMPLE_MS = 100;

const job = JSON.parse(await text(process.stdin)) as LoadJob;
const { seconds, slices = 1 } = job;
const next = requestsOf(job.workload);
const statuses: Record<string, number> = {};
let sent = 0;

const options = (duration: number): autocannon.Options => ({
  url: job.url,
  connections: job.connections,
  duration,
  // It ends at a sample.
  ...(slices > 1 && { sampleInt: SAMPLE_MS }),
  ...(job.perSecond !== undefined && { overallRate: job.perSecond }),
  requests: [
    {
      setupRequest: request => {
        sent += 1;
        const { method, path, headers, body } = next();
        return { ...request, method, path, headers: { ...headers }, ...(body !== undefined && { body }) };
      },
    },
  ],
});

function run(seconds: number): Promise<autocannon.Result> {
  return new Promise((resolve, reject) => {
    const instance = autocannon(options(seconds), (error, result) => {
      if (error) reject(error as Error);
      else resolve(result);
    });
    instance.on('response', (_client, status) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
    });
  });
}

async function warmUp({ warmUpSeconds, warmUpOperations = 0 }: LoadJob): Promise<void> {
  if (warmUpSeconds === 0) return;
  let answered = 0;
  for (let times = 0; times === 0 || (times < LONGEST_WARM_UP && answered < warmUpOperations); times++) {
    answered += (await run(warmUpSeconds)).requests.total;
  }
}

/** Tells the parent, which looks at the processes or lets another load go on, and answers when this one may. */
async function reach(phase: LoadPhase): Promise<void> {
  if (!process.connected) return;
  process.channel?.ref();
  process.send?.(phase);
  await once(process, 'message');
  process.channel?.unref();
}

const results: autocannon.Result[] = [];
if (job.warmUpSeconds > 0) {
  await reach('warm-up');
  await warmUp(job);
  if (slices > 1) await delay(IN_FLIGHT_MS);
  await reach('end');
}
for (let slice = 0; slice < slices; slice++) {
  await reach('load');
  results.push(await run(seconds / slices));
  if (slices > 1) await delay(IN_FLIGHT_MS);
  await reach('end');
}
const sum = (read: (result: autocannon.Result) => number) => results.reduce((total, each) => total + read(each), 0);
const operations = sum(({ requests }) => requests.total);
const result: LoadResult = {
  perSecond: operations / sum(({ duration }) => duration),
  p50: median(results.map(({ latency }) => latency.p50)),
  p99: median(results.map(({ latency }) => latency.p99)),
  statuses,
  operations,
  failures: sum(({ errors, timeouts }) => errors + timeouts),
  sent,
};
process.stdout.write(JSON.stringify(result));
