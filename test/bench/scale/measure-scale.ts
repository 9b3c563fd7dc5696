import { type BenchContext, type Measured } from '../bench-case.js';
import { BulkWriter } from '../data/bulk-writer.js';
import { realisticHistory } from '../data/realistic-history.js';
import { realisticServices } from '../data/realistic-catalog.js';
import { askQuestions } from '../harness/ask-questions.js';
import { ask } from '../harness/bench-postgres.js';
import { expectChainValid, expectOnly } from '../harness/correctness.js';
import { residentMiB } from '../harness/cpu.js';
import { microsEach } from '../harness/micros-each.js';
import { runScript } from '../harness/run-script.js';
import { type Bench, withNodes } from '../harness/with-nodes.js';
import { type LoadRequest } from '../load/load-job.js';
import { type WatchJob, type WatchResult } from '../load/watchers.js';
import { idleUse } from './cpu-use.js';
import { measureHeartbeats } from './heartbeats.js';
import { SEARCH_QUESTIONS } from './search-questions.js';
import { measureSweeps } from './sweeps.js';

/** Leases do not end while something else is measured. */
const TTL_SECONDS = 3_600;

/** Changes after the registrations, so that not all are healthy and new: of so many instances one more event. */
const CHANGED_ONE_OF = 10;

const CONNECTIONS = 50;
const MOST_SERVICES = 1_000;
const WATCHERS = 200;
const CHANGES_PER_SECOND = 20;
const QUESTION_SECONDS = 1;
const IDLE_SECONDS = 5;

/** What a catalog of a size costs a node and its database. Discovery is what counts per second. */
export async function measureScale(context: BenchContext, instances: number): Promise<Measured> {
  const plan = { instances, events: instances + Math.floor(instances / CHANGED_ONE_OF), ttlSeconds: TTL_SECONDS };
  let filled = { events: 0, seconds: 0 };
  const prepare = async (url: string) => {
    filled = await BulkWriter.write(url, realisticHistory(plan), plan.events);
  };
  return await withNodes(context, { prepare }, async bench => {
    const { node, databaseUrl } = bench;
    const started = { 'start until ready ms': node.startMs, 'view load ms': node.loadMs };
    const memory = { 'RSS of a fresh node MiB': (await residentMiB(node.pid)) ?? Number.NaN };
    const processes = { node, postgresPid: context.postgres.pid };
    const idle = await idleUse(processes, IDLE_SECONDS);
    const discovered = await discover(bench, instances);
    const figures = {
      'filling s': filled.seconds,
      ...started,
      ...memory,
      'idle node CPU %': idle.service * 100,
      'idle PostgreSQL CPU %': idle.postgres * 100,
      'discover/s': discovered.perSecond ?? Number.NaN,
      'discover p50 ms': discovered.p50 ?? Number.NaN,
      'discover p99 ms': discovered.p99 ?? Number.NaN,
      'discover node CPU µs': microsEach(discovered, discovered.serviceCores) ?? Number.NaN,
      ...(await askQuestions(node.url, SEARCH_QUESTIONS, QUESTION_SECONDS)),
      ...(await measureHeartbeats(context, processes, idle, await idsOf(databaseUrl))),
      ...(await measureSweeps(node.api, databaseUrl)),
      ...(await watched(node.url, context.seconds)),
      'RSS afterwards MiB': (await residentMiB(node.pid)) ?? Number.NaN,
    };
    await expectChainValid(node.api);
    return { ...discovered, figures };
  });
}

/** Services of five instances in turn, as clients ask for them. */
async function discover({ load }: Bench, instances: number): Promise<Measured> {
  const requests: LoadRequest[] = [];
  for (const { namespace, service, size } of realisticServices(instances)) {
    if (size !== 5 || requests.length === MOST_SERVICES) continue;
    requests.push({ method: 'GET', path: `/api/v1/discovery/services/${service}/instances?namespace=${namespace}` });
  }
  const result = await load({ connections: CONNECTIONS, workload: { kind: 'in-turn', requests } });
  expectOnly(result, 200);
  return result;
}

const idsOf = async (databaseUrl: string): Promise<string[]> =>
  (await ask<{ id: string }>(databaseUrl, 'select id from service_instance order by md5(id::text) limit 50000')).map(
    ({ id }) => id,
  );

async function watched(url: string, seconds: number): Promise<Record<string, number>> {
  const job: WatchJob = {
    url,
    watchers: WATCHERS,
    service: 'watched',
    changesPerSecond: CHANGES_PER_SECOND,
    seconds,
  };
  const { p50, p99, wrong } = JSON.parse(await runScript('test/bench/load/watchers.ts', job)) as WatchResult;
  if (wrong > 0) throw new Error(`${wrong} watchers were not told every revision once.`);
  return { 'watch p50 ms': p50, 'watch p99 ms': p99 };
}
