import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LeasedView } from '../../../support/http/api.js';
import { at, type FakeNameServer, startNameServer } from '../../../support/names/name-server.js';
import { waitFor } from '../../../support/time/wait-for.js';
import { ROOT } from '../../harness/run-script.js';
import { percentile } from '../../harness/statistics.js';
import { INSTANCES_PATH } from '../../load/registration.js';
import { markLeases } from '../lease-findings.js';
import { type OverloadBench, type RunningNode } from '../overload-bench.js';
import { runWindow } from '../run-cell.js';
import { neverOf, targetOf } from '../verdict.js';
import { PROBE_INTERVAL_SECONDS, ProbedTarget } from './probed-target.js';
import { type Seen } from './scenario.js';

/** How many instances have a name of which the name server never answers a question. */
const SILENT = 60;

/** How many are probed beside them: by address, by a name that is answered, and by a name that is answered only at first. */
const GOOD = { address: 20, name: 20, fallen: 20 } as const;

/** Longer than a found address is fresh, and than a look-up waits for a place: each name is asked for at least once. */
const SECONDS = 20;

/** How long (ms) the good ones may take to become healthy. */
const HEALTHY_PATIENCE_MS = 60_000;

/** How much later (ms) than their interval the slowest of a hundred probes may come. */
const LATE_LIMIT_MS = 1_000;

const REPLACE_FILES = resolve(ROOT, 'test/bench/preload/replace-files.mjs');

/** The kinds of good instances, by the names of their services. */
type Kind = keyof typeof GOOD;
const KINDS = Object.keys(GOOD) as Kind[];

const hostOf = (kind: Kind | 'silent', n: number): string => (kind === 'address' ? '127.0.0.1' : `n${n}.${kind}.test`);

/** Instances with names of a silent zone, beside others that are probed by address and by name: these keep their status. */
export async function silentNames(bench: OverloadBench): Promise<Seen> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-names-'));
  const names = await startNameServer();
  const target = await ProbedTarget.start();
  try {
    const resolvConf = join(directory, 'resolv.conf');
    await writeFile(resolvConf, `nameserver ${names.address}\n`);
    const files = { '/etc/resolv.conf': resolvConf, '/etc/hosts': join(directory, 'no-hosts') };
    const env = { BENCH_REPLACED_FILES: JSON.stringify(files) };
    return await bench.withNode({ env, preloads: [REPLACE_FILES] }, running => withTargets(running, names, target));
  } finally {
    await target.close();
    await names.close();
    await rm(directory, { recursive: true });
  }
}

async function withTargets(running: RunningNode, names: FakeNameServer, target: ProbedTarget): Promise<Seen> {
  const { bench } = running;
  for (const kind of ['name', 'fallen'] as const) {
    for (let n = 0; n < GOOD[kind]; n++) names.zone.set(hostOf(kind, n), at('127.0.0.1'));
  }
  const good = new Map<Kind, readonly string[]>();
  for (const kind of KINDS) good.set(kind, await register(running, kind, GOOD[kind], target.port));
  const ids = [...good.values()].flat();
  await waitFor('all are healthy', () => areHealthy(bench, ids), HEALTHY_PATIENCE_MS);

  for (let n = 0; n < SILENT; n++) names.zone.set(hostOf('silent', n), { kind: 'silent' });
  for (let n = 0; n < GOOD.fallen; n++) names.zone.set(hostOf('fallen', n), { kind: 'silent' });
  const { revision } = await markLeases(bench.client);
  const silent = await register(running, 'silent', SILENT, target.port);
  let late = new Map<string, readonly number[]>();
  const cell = await runWindow(running, { name: 'silent-names', callers: 0, kindsAtOnce: 1 }, async begun => {
    target.begin();
    await begun();
    await delay(SECONDS * 1_000);
    late = target.end();
    return [];
  });
  const changed = await changedOf(bench, revision, ids);
  const judged = await changedOf(bench, revision, silent);
  const shown = (await Promise.all(silent.map(id => look(running, id)))).filter(isShownAsFaultOfNode).length;
  const lateness = KINDS.map(kind => [kind, late.get(kind) ?? []] as const);
  return {
    figures: {
      'good instances': ids.length,
      'good instances that changed': changed,
      'silent instances': silent.length,
      'silent instances that changed': judged,
      'silent instances with lastError.kind node': shown,
      ...Object.fromEntries(
        lateness.map(([kind, ms]) => [`probes by ${LABELS[kind]}, p99 late ms`, percentile(ms, 99)]),
      ),
      'heartbeat p99 ms, kept': cell.probes.lanes.kept.p99,
      'heartbeat p99 ms, new': cell.probes.lanes.new.p99,
    },
    verdicts: [
      neverOf('good instances that changed', changed),
      neverOf('silent instances that changed', judged),
      targetOf('silent instances are shown with lastError.kind node', shown === SILENT, `${shown} of ${SILENT}`),
      ...lateness.map(([kind, ms]) => {
        const p99 = percentile(ms, 99);
        const seen = `${Math.round(p99)} ms`;
        return targetOf(
          `p99 of the lateness of probes by ${LABELS[kind]} ≤ ${LATE_LIMIT_MS} ms`,
          p99 <= LATE_LIMIT_MS,
          seen,
        );
      }),
      ...cell.verdicts,
    ],
  };
}

const LABELS: Readonly<Record<Kind, string>> = {
  address: 'address',
  name: 'an answered name',
  fallen: 'a name that fell silent',
};

/** Registers instances that are probed by HTTP, each at a path of its own. @returns their ids */
async function register(running: RunningNode, kind: Kind | 'silent', count: number, port: number): Promise<string[]> {
  const instances = Array.from({ length: count }, (_, n) => ({
    service: `probed-${kind}`,
    instanceId: `probed-${kind}-${n}`,
    host: hostOf(kind, n),
    port,
    check: {
      kind: 'http',
      path: `/${kind}/${n}`,
      intervalSeconds: PROBE_INTERVAL_SECONDS,
      timeoutSeconds: PROBE_INTERVAL_SECONDS,
    },
  }));
  const { results } = await running.node.api.ok<{ results: readonly { readonly instance: LeasedView }[] }>(
    'POST',
    `${INSTANCES_PATH}/batch`,
    { instances },
  );
  return results.map(({ instance }) => instance.id);
}

async function areHealthy({ client }: OverloadBench, ids: readonly string[]): Promise<boolean> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from service_instance where id = any($1::uuid[]) and health ->> 'state' = 'healthy'`,
    [ids],
  );
  return rows[0]!.count === ids.length;
}

/** How many of some instances have an event after a revision: only the service itself changes them. */
async function changedOf({ client }: OverloadBench, revision: number, ids: readonly string[]): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(distinct instance_uuid)::int as count from service_event
     where revision > $1 and action <> 'instance.registered' and instance_uuid = any($2::uuid[])`,
    [revision, ids],
  );
  return rows[0]!.count;
}

const look = ({ node }: RunningNode, id: string): Promise<LeasedView> => node.api.ok('GET', `${INSTANCES_PATH}/${id}`);

const isShownAsFaultOfNode = ({ health: { lastError } }: LeasedView): boolean =>
  lastError !== null && lastError !== undefined && 'kind' in lastError && lastError.kind === 'node';
