import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { BulkWriter } from '../data/bulk-writer.js';
import { realisticHistory } from '../data/realistic-history.js';
import { realisticServices } from '../data/realistic-catalog.js';
import { BenchNode } from '../harness/bench-node.js';
import { type BenchPostgres } from '../harness/bench-postgres.js';
import { expectChainValid } from '../harness/correctness.js';
import { runScript } from '../harness/run-script.js';
import { describeMachine } from '../machine.js';
import { judgeSoak } from './judge-soak.js';
import { countWrong } from './judge-watchers.js';
import { type SoakJob } from './soak-load.js';
import {
  type SoakFindings,
  type SoakLoadResult,
  type SoakOptions,
  type SoakReport,
  type SoakSample,
} from './soak-report.js';
import { takeSample } from './take-sample.js';

const SAMPLE_EVERY_MS = 10_000;

/**
 * So few changes that a node has kept as many as it may before its memory is judged: until then memory rises by design.
 * With the usual 10,000 that takes twenty minutes at this load.
 */
const NODE_SETTINGS = { PCS_FEED_MAX_CHANGES: '500' };

/** Puts nodes under a modest load for a long time, and judges whether they could bear it for ever. */
export async function runSoak(
  postgres: BenchPostgres,
  options: SoakOptions,
  say: (line: string) => void,
): Promise<SoakReport> {
  const { instances, ttlSeconds } = options;
  const databaseUrl = await postgres.createDatabase();
  const client = new Client({ connectionString: databaseUrl });
  const nodes: BenchNode[] = [];
  try {
    await BulkWriter.write(databaseUrl, realisticHistory({ instances, events: instances, ttlSeconds }), instances);
    await client.connect();
    for (let n = 0; n < options.nodes; n++) nodes.push(await BenchNode.start(databaseUrl, { env: NODE_SETTINGS }));
    say(`${options.nodes} nodes with ${instances} instances are ready: ${options.minutes} minutes begin.`);
    const ids = await client.query<{ id: string }>('select id from service_instance where namespace <> $1', ['system']);
    const job: SoakJob = {
      urls: nodes.map(({ url }) => url),
      options,
      ids: ids.rows.map(({ id }) => id),
      services: [...realisticServices(instances)].map(({ namespace, service }) => ({ namespace, service })),
    };
    const samples: SoakSample[] = [];
    const sampling = new AbortController();
    const sampled = sample(nodes, client, samples, sampling.signal, say);
    let load: SoakLoadResult;
    try {
      load = JSON.parse(await runScript('test/bench/soak/soak-load.ts', job)) as SoakLoadResult;
    } finally {
      sampling.abort();
      await sampled;
    }
    const findings = await findingsOf(load, nodes[0]!, client);
    return {
      at: new Date().toISOString(),
      machine: describeMachine(),
      database: await postgres.describe(),
      options,
      samples,
      done: load.done,
      findings,
      verdicts: judgeSoak(samples, findings),
    };
  } finally {
    await client.end();
    for (const node of nodes) await node.stop();
    await postgres.dropDatabase(databaseUrl);
  }
}

async function sample(
  nodes: readonly BenchNode[],
  client: Client,
  samples: SoakSample[],
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const begun = performance.now();
  while (!signal.aborted) {
    const taken = await takeSample(nodes, client, Math.round((performance.now() - begun) / 1_000));
    samples.push(taken);
    if (samples.length % 6 === 0) {
      const each = taken.nodes.map(({ rssMiB, lag }) => `${Math.round(rssMiB)} MiB, ${lag} behind`);
      say(`${taken.second} s: revision ${taken.revision}; ${each.join('; ')}`);
    }
    await delay(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function findingsOf(load: SoakLoadResult, node: BenchNode, client: Client): Promise<SoakFindings> {
  const chainValid = await expectChainValid(node.api).then(
    () => true,
    () => false,
  );
  const events = await client.query<{ key: string; revision: number }>(
    `select namespace || '/' || service as key, revision::float8 as revision from service_event
     where service is not null order by service_event.revision`,
  );
  const revisions = Map.groupBy(events.rows, ({ key }) => key);
  const revisionsOf = (namespace: string, service: string) =>
    (revisions.get(`${namespace}/${service}`) ?? []).map(({ revision }) => revision);
  const ended = await client.query<{ count: number }>(
    `select count(*)::int as count from service_event where actor = 'system:liveness' and namespace <> 'system'`,
  );
  return {
    chainValid,
    wrongWatchers: countWrong(load.watchers, revisionsOf),
    ended: ended.rows[0]!.count,
    errors: load.errors,
  };
}
