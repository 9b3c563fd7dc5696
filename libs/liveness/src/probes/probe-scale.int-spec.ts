import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@coordination/kernel';
import { ProbePolicy } from '@coordination/registry';
import { anInstance, anHttpCheck } from '../../../../test/support/catalog/factories.js';
import { httpTarget, type Target } from '../../../../test/support/http/targets.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { type ProbeMetrics } from './probe-metrics.js';
import { type ProbeVerdicts } from './holding/probe-verdicts.js';
import { type ProbedRecord } from './probed-record.js';
import { NameResolver } from './names/name-resolver.js';
import { SystemNames } from './names/system-names.js';
import { Prober } from './run/prober.js';
import { ProbeScheduler, SLOT_MS } from './schedule/probe-scheduler.js';

/** `PROOF_PROBES=10000 PROOF_INTERVAL=10` is what a node must be able to do; CI uses less. */
const PROBES = Number(process.env['PROOF_PROBES'] ?? 600);
const INTERVAL_SECONDS = Number(process.env['PROOF_INTERVAL'] ?? 3);
/** A response after so long would be a hang: the test does not depend on the speed of the machine. */
const TIMEOUT_SECONDS = 300;
const ROUNDS = 3;
const AT_ONCE = 100;
/** Probes of one instance while each other instance gets its rounds: on any machine, as long as the queue is fair. */
const MOST_ROUNDS = 3 * ROUNDS;

let target: Target;
beforeAll(async () => {
  target = await httpTarget((_, response) => response.end('ok'));
});
afterAll(() => target.close());

describe(`${PROBES} instances, each probed every ${INTERVAL_SECONDS} s`, () => {
  it('are all probed fairly, with a bound on connections', async () => {
    const prober = new Prober(
      new ProbePolicy(['127.0.0.0/8']),
      new NameResolver(new SystemNames(systemClock), systemClock),
      systemClock,
      { stalledMsSince: () => 0 },
    );
    const probes = new Map<string, number>();
    const seen = { mostOpen: 0, mostInFlight: 0, late: [] as number[], skipped: 0, failures: 0 };
    const reports: Pick<ProbeVerdicts, 'expect' | 'report' | 'note' | 'dropReport'> = {
      report: async ({ id }, { healthy }) => {
        probes.set(id, (probes.get(id) ?? 0) + 1);
        if (!healthy) seen.failures += 1;
      },
      expect: () => undefined,
      note: () => undefined,
      dropReport: () => undefined,
    };
    const metrics: Pick<ProbeMetrics, 'start' | 'skipped' | 'notCounted' | 'observe'> = {
      start(_kind, lateSeconds) {
        seen.late.push(lateSeconds);
        return () => undefined;
      },
      skipped: count => void (seen.skipped += count),
      notCounted: () => undefined,
      observe: () => undefined,
    };
    const scheduler = new ProbeScheduler(prober, reports, metrics, systemClock, AT_ONCE);
    const check = anHttpCheck({ intervalSeconds: INTERVAL_SECONDS, timeoutSeconds: TIMEOUT_SECONDS });
    for (let n = 0; n < PROBES; n++) {
      scheduler.take(anInstance({ host: '127.0.0.1', port: target.port, check }) as ProbedRecord);
    }
    const cpu = process.cpuUsage();
    const timer = setInterval(() => {
      scheduler.tick();
      seen.mostInFlight = Math.max(seen.mostInFlight, scheduler.inFlight);
      seen.mostOpen = Math.max(seen.mostOpen, target.contacts.open);
    }, SLOT_MS);
    try {
      await waitFor(
        'each was probed several times',
        () => probes.size === PROBES && [...probes.values()].every(count => count >= ROUNDS),
      );
      if (process.env['PROOF_PROBES'] !== undefined) tell(seen, process.cpuUsage(cpu));
    } finally {
      clearInterval(timer);
      scheduler.dropAll();
    }
    expect(seen.failures).toBe(0);
    expect(Math.max(...probes.values()), 'some are probed while others starve').toBeLessThanOrEqual(MOST_ROUNDS);
    expect(seen.mostInFlight).toBeLessThanOrEqual(AT_ONCE);
    // The server may not yet know of some that the prober has closed already.
    expect(seen.mostOpen, 'connections pile up').toBeLessThanOrEqual(3 * AT_ONCE);
    await waitFor('no connection is left', () => target.contacts.open === 0 && scheduler.inFlight === 0);
  });
});

function tell(seen: { readonly late: number[]; readonly [name: string]: unknown }, cpu: NodeJS.CpuUsage): void {
  const late = seen.late.toSorted((a, b) => a - b);
  const figures = {
    ...seen,
    late: late.length,
    p50: late[Math.floor(late.length / 2)],
    p99: late[Math.floor(late.length * 0.99)],
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
