// Callers that repeat one kind of request, in a process of the lowest priority, so that they do not take the processor from what is
// measured. They do not wait as `Retry-After` asks them to: the worst callers do not.
import { Agent, type ClientRequest } from 'node:http';
import { constants, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { serveParent } from '../../harness/serve-parent.js';
import { percentile } from '../../harness/statistics.js';
import { type LoadRequest } from '../../load/load-job.js';
import { INSTANCES_PATH, registrationOf } from '../../load/registration.js';
import { countsOf } from '../latencies.js';
import { type ReaderResult } from '../report.js';
import { call } from './call.js';
import { type CallersQuestion, type Repeated } from './callers-job.js';
import { WatchOpener } from './watch-opener.js';

/** How long (ms) a caller waits after an error of the connection. */
const AFTER_ERROR_MS = 50;

type Job = Extract<CallersQuestion, { ask: 'run' }>;

/** The next request of a caller, each time that it is called. */
function requestsOf(repeated: Exclude<Repeated, { way: 'watches' }>, caller: number): () => LoadRequest {
  let n = caller;
  if (repeated.way === 'requests') return () => repeated.requests[n++ % repeated.requests.length]!;
  const { perRequest, service } = repeated;
  return () => {
    n += 1;
    const instances = Array.from({ length: perRequest }, (_, k) => ({
      ...registrationOf(`${service}-${k % 10}`, `${service}-${caller}-${k}`, k),
      weight: 1 + (n % 1_000),
    }));
    return {
      method: 'POST',
      path: `${INSTANCES_PATH}/batch`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ instances }),
    };
  };
}

/** Repeats until the time is over. Requests that have no answer by then are ended, and count as waiting. */
async function run({ url, kind, repeated, callers, seconds }: Job): Promise<ReaderResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const target = new URL(url);
  const until = performance.now() + seconds * 1_000;
  const isOver = () => performance.now() >= until;
  const inFlight = new Set<ClientRequest>();
  const answers: string[] = [];
  const latencies: number[] = [];
  let bytes = 0;
  const note = async (answer: string, latency: number): Promise<void> => {
    answers.push(answer);
    latencies.push(latency);
    if (!/^\d/.test(answer)) await delay(AFTER_ERROR_MS);
  };
  const repeat = async (next: () => LoadRequest): Promise<void> => {
    while (!isOver()) {
      const begun = performance.now();
      let own: ClientRequest | undefined;
      const called = await call(target, next(), agent, sent => inFlight.add((own = sent)));
      inFlight.delete(own!);
      if (isOver()) return;
      bytes += called.bytes;
      await note(called.answer, performance.now() - begun);
    }
  };
  const opener = repeated.way === 'watches' ? new WatchOpener(target, repeated) : undefined;
  const open = async (watches: WatchOpener): Promise<void> => {
    while (!isOver() && watches.hasMore) {
      const begun = performance.now();
      const answer = await watches.open();
      if (!isOver()) await note(answer, performance.now() - begun);
    }
  };
  const all = Array.from({ length: callers }, (_, caller) => {
    if (opener) return open(opener);
    return repeat(requestsOf(repeated as Exclude<Repeated, { way: 'watches' }>, caller));
  });
  await delay(seconds * 1_000);
  const waiting = inFlight.size + (opener?.opening ?? 0);
  for (const request of inFlight) request.destroy();
  opener?.close();
  agent.destroy();
  await Promise.all(all);
  return {
    kind,
    callers,
    answers: countsOf(answers),
    waiting,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    bytes: bytes + (opener?.bytes ?? 0),
  };
}

serveParent(async body => {
  const question = body as CallersQuestion;
  if (question.ask === 'run') return await run(question);
  setPriority(constants.priority.PRIORITY_LOW);
  return undefined;
});
