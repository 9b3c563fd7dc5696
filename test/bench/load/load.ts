// One load, in a process of its own: the job comes by standard input, the result is printed. Both are JSON.
import { once } from 'node:events';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import autocannon from 'autocannon';
import { type LoadJob, type LoadResult, LONGEST_WARM_UP } from './load-job.js';
import { requestsOf } from './requests-of.js';

const job = JSON.parse(await text(process.stdin)) as LoadJob;
const next = requestsOf(job.workload);
const statuses: Record<string, number> = {};
let sent = 0;

const options = (duration: number): autocannon.Options => ({
  url: job.url,
  connections: job.connections,
  duration,
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

/** The parent looks at the processes before the load that counts begins, and answers when it has. */
async function untilLookedAt(): Promise<void> {
  process.channel?.ref();
  process.send?.('warm');
  await once(process, 'message');
  process.channel?.unref();
}

await warmUp(job);
if (process.connected) await untilLookedAt();
const { requests, latency, errors, timeouts, duration } = await run(job.seconds);
const result: LoadResult = {
  perSecond: requests.total / duration,
  p50: latency.p50,
  p99: latency.p99,
  statuses,
  operations: requests.total,
  failures: errors + timeouts,
  sent,
};
process.stdout.write(JSON.stringify(result));
