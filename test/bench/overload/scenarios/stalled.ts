import { setTimeout as delay } from 'node:timers/promises';
import { SETTINGS } from '@coordination/config/testing';
import { ScriptProcess } from '../../harness/script-process.js';
import { LARGE_SERVICE } from '../kinds.js';
import { type SocketsQuestion } from '../load/sockets-job.js';
import { countOf } from '../latencies.js';
import { type OverloadBench, type RunningNode } from '../overload-bench.js';
import { type ReaderResult } from '../report.js';
import { runLoads, runWindow } from '../run-cell.js';
import { openDescriptors, ServiceWatch } from '../service-watch.js';
import { targetOf } from '../verdict.js';
import { type Scenario, type Seen } from './scenario.js';

/** How many sockets never read, opened so many at a time. */
const SOCKETS = 1_000;
const SOCKETS_AT_A_TIME = 20;
const PAUSE_MS = 200;

/** So many descriptors of the node more or less are those of heartbeats, which come and go. */
const COMING_AND_GOING = 30;

/** Others that ask for the same list, and read it. */
const READERS = 10;

/** How long (s) these have read before the sockets come: what memory they need is not that of the sockets. */
const BEFORE_SECONDS = 4;

/** How much the memory of the service may grow; and from where on (MiB) no more sockets are opened, for the sake of the machine. */
const GROWTH_LIMIT_MIB = 64;
const GROWTH_STOP_MIB = 2_048;

/** The limit (s) after which the service cuts such sockets, if it has one; and how long after the last socket it is looked for. */
const STALL_SETTING = 'PCS_RESPONSE_STALL_SECONDS';
const STALL_SECONDS = 5;
const LOOK_SECONDS = 3 * STALL_SECONDS;

const LIST = `/api/v1/discovery/services/${LARGE_SERVICE}/instances`;
const ASKING = `GET ${LIST} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;

/** Sockets that ask for the large list and never read, while others ask for the same and read it. */
export const stalled: Scenario = bench => withStalled(bench, false);

/** The same while the list changes each second. */
export const stalledWhileChanging: Scenario = bench => withStalled(bench, true);

async function withStalled(bench: OverloadBench, isChanging: boolean): Promise<Seen> {
  const env: Record<string, string> = STALL_SETTING in SETTINGS ? { [STALL_SETTING]: String(STALL_SECONDS) } : {};
  return await bench.withNode({ env }, async running => {
    const stopChanging = isChanging ? changeEachSecond(running) : () => undefined;
    try {
      const before = await memoryOfReaders(running);
      return await withSockets(running, before);
    } finally {
      stopChanging();
    }
  });
}

const readersOfList = (running: RunningNode, seconds: number, begun: () => Promise<void>): Promise<ReaderResult[]> => {
  const repeated = { way: 'requests', requests: [{ method: 'GET', path: LIST }] } as const;
  return runLoads(running.node.url, [{ kind: 'large', callers: READERS, repeated }], seconds, begun);
};

async function memoryOfReaders(running: RunningNode): Promise<number> {
  const watch = await ServiceWatch.begin(running.node, running.bench.postgres.pid);
  await readersOfList(running, BEFORE_SECONDS, () => Promise.resolve());
  return (await watch.end()).rssMiB;
}

async function withSockets(running: RunningNode, before: number): Promise<Seen> {
  const { node, bench } = running;
  const watch = await ServiceWatch.begin(node, bench.postgres.pid);
  const sockets = ScriptProcess.start('test/bench/overload/load/sockets.ts');
  try {
    const idle = (await openDescriptors(node.pid)) ?? Number.NaN;
    let opened = 0;
    for (; opened < SOCKETS && watch.rssMiB < before + GROWTH_STOP_MIB; opened += SOCKETS_AT_A_TIME) {
      const question: SocketsQuestion = { ask: 'open', url: node.url, sockets: SOCKETS_AT_A_TIME, text: ASKING };
      await sockets.ask<null>(question);
      await delay(PAUSE_MS);
      // A node that is busy with these does not show yet what memory they need.
      await node.api.get('/health/live');
    }
    const held = ((await openDescriptors(node.pid)) ?? Number.NaN) - idle;
    const named = { name: 'stalled', callers: READERS, kindsAtOnce: 1 };
    const cell = await runWindow(running, named, begun => readersOfList(running, LOOK_SECONDS, begun));
    const left = ((await openDescriptors(node.pid)) ?? Number.NaN) - idle;
    const { rssMiB } = await watch.end();
    const served = countOf(cell.readers[0]!.answers, answer => answer === '200');
    const figures = {
      'sockets opened': opened,
      'sockets held at the end of opening': held,
      'sockets held after the stall limit': Math.max(0, left),
      'memory growth MiB': rssMiB - before,
      'lists served to others': served,
      'heartbeat p99 ms, kept': cell.probes.lanes.kept.p99,
      'heartbeat p99 ms, new': cell.probes.lanes.new.p99,
    };
    const own = [
      targetOf(`all ${SOCKETS} sockets were opened`, opened >= SOCKETS, `${opened}`),
      targetOf(
        `memory grows by ${GROWTH_LIMIT_MIB} MiB at most`,
        rssMiB - before <= GROWTH_LIMIT_MIB,
        `${Math.round(rssMiB - before)} MiB${opened < SOCKETS ? ` at ${opened} sockets, where it was stopped` : ''}`,
      ),
      targetOf('sockets are cut after the stall limit', left <= COMING_AND_GOING, `${Math.max(0, left)} are left`),
      targetOf('others are served meanwhile', served > 0, `${served} lists`),
    ];
    return { figures, verdicts: [...own, ...cell.verdicts] };
  } finally {
    await sockets.stop();
  }
}

/** Changes one instance of the large service each second. @returns what ends that */
function changeEachSecond({ node, bench }: RunningNode): () => void {
  let weight = 0;
  const change = async (): Promise<void> => {
    const { rows } = await bench.client.query<{ id: string }>(
      `select id from service_instance where namespace = 'default' and service = $1 limit 1`,
      [LARGE_SERVICE],
    );
    await node.api.send('PATCH', `/api/v1/registry/instances/${rows[0]!.id}`, { weight: 1 + (weight++ % 100) });
  };
  const timer = setInterval(() => void change().catch(() => undefined), 1_000);
  return () => clearInterval(timer);
}
