import { describe, expect, it } from 'vitest';
import { type ProbeVerdict } from '@coordination/registry';
import { anInstance, aTcpCheck } from '../../../../../test/support/catalog/factories.js';
import { type ProbedRecord } from '../probed-record.js';
import { type ProbeOutcome } from '../run/probe-outcome.js';
import { ProbeScheduler, SLOT_MS } from './probe-scheduler.js';

const probed = (differing: Partial<ProbedRecord> = {}): ProbedRecord =>
  anInstance({ check: aTcpCheck({ intervalSeconds: 10 }), ...differing }) as ProbedRecord;

const UP: ProbeOutcome = { result: 'success', output: 'up' };
const DOWN: ProbeOutcome = { result: 'failure', output: 'down' };

interface Under {
  readonly record: ProbedRecord;
  readonly calledOff: AbortSignal;
  finish(outcome?: ProbeOutcome): Promise<void>;
}

/** A scheduler with a simulated clock, whose probes end when the test ends them. */
function aScheduler(maxAtOnce = 100, random = () => 0.5) {
  let nowMs = 0;
  const under: Under[] = [];
  const reports: { record: ProbedRecord; verdict: ProbeVerdict }[] = [];
  const noted: string[] = [];
  const faults: string[] = [];
  const counted = { started: 0, skipped: 0, lateSeconds: 0 };
  const scheduler = new ProbeScheduler(
    {
      probe: (target, calledOff) => {
        const { promise, resolve } = Promise.withResolvers<ProbeOutcome | undefined>();
        calledOff.addEventListener('abort', () => resolve(undefined));
        const finish = async (outcome: ProbeOutcome = UP) => {
          under.splice(under.indexOf(entry), 1);
          resolve(outcome);
          for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        };
        const entry = { record: target as ProbedRecord, calledOff, finish };
        under.push(entry);
        return promise;
      },
    },
    {
      report: async (record, verdict) => void reports.push({ record, verdict }),
      expect: () => undefined,
      note: (_, { result }) => void noted.push(result),
      dropReport: () => undefined,
    },
    {
      start(_kind, lateSeconds) {
        counted.started += 1;
        counted.lateSeconds = Math.max(counted.lateSeconds, lateSeconds);
        return () => undefined;
      },
      skipped: count => void (counted.skipped += count),
      notCounted: reason => void faults.push(reason),
      observe: () => undefined,
    },
    { now: () => new Date(nowMs), monotonicMs: () => nowMs },
    maxAtOnce,
    random,
  );
  const pass = (ms: number) => {
    for (const end = nowMs + ms; nowMs < end;) {
      nowMs = Math.min(end, nowMs + SLOT_MS);
      scheduler.tick();
    }
  };
  const jump = (ms: number) => {
    nowMs += ms;
    scheduler.tick();
  };
  return { scheduler, under, reports, noted, faults, counted, pass, jump };
}

describe('The schedule of probes', () => {
  it('probes an instance of unknown health soon, and again in each interval', async () => {
    const { scheduler, under, reports, pass } = aScheduler();
    scheduler.take(probed({ health: { ...anInstance().health, state: 'unknown' } }));
    pass(1_000);
    expect(under).toHaveLength(1);
    for (let n = 1; n <= 10; n++) {
      await under[0]!.finish();
      expect(reports).toHaveLength(n);
      pass(10_600);
      expect(under, 'probed twice at a time, or not at all').toHaveLength(1);
    }
  });

  it('spreads instances that it gets at once over the interval', () => {
    let seed = 0;
    const { scheduler, counted, pass } = aScheduler(10_000, () => (seed = (seed + 0.618_033_988_75) % 1));
    for (let n = 0; n < 1_000; n++) scheduler.take(probed());
    let most = 0;
    for (let second = 0; second < 10; second++) {
      const before = counted.started;
      pass(1_000);
      most = Math.max(most, counted.started - before);
    }
    expect(counted.started).toBe(1_000);
    expect(most, 'they come in a burst').toBeLessThan(120);
  });

  it('has a bounded number of probes under way, and keeps the order of the others', async () => {
    const { scheduler, under, pass } = aScheduler(3);
    const records = Array.from({ length: 10 }, () => probed());
    for (const record of records) scheduler.take(record);
    pass(10_000);
    expect([under.length, scheduler.inFlight, scheduler.waiting]).toEqual([3, 3, 7]);
    expect(scheduler.lateSeconds).toBeGreaterThan(0);
    const order: string[] = [];
    while (under.length > 0) {
      expect(under.length).toBeLessThanOrEqual(3);
      order.push(under[0]!.record.id);
      await under[0]!.finish();
    }
    expect(order).toEqual(records.map(({ id }) => id));
  });

  it('skips probes that it could not do in time, instead of queueing them', async () => {
    const { scheduler, under, counted, pass, jump } = aScheduler();
    scheduler.take(probed());
    pass(10_000);
    await under[0]!.finish();
    pass(10_000);
    await under[0]!.finish();
    // The process was stopped for ten intervals.
    jump(100_000);
    expect(under).toHaveLength(1);
    await under[0]!.finish();
    pass(SLOT_MS);
    await under[0]?.finish();
    pass(5_000);
    expect(under, 'it caught up on what it had missed').toHaveLength(0);
    expect(counted.skipped).toBeGreaterThanOrEqual(8);
  });

  it('calls off a probe when the endpoint changes, and ignores its result', async () => {
    const { scheduler, under, reports, pass } = aScheduler();
    const record = probed();
    scheduler.take(record);
    pass(10_000);
    const [old] = under.splice(0);
    scheduler.take({ ...record, port: record.port + 1, version: 2 });
    expect(old!.calledOff.aborted).toBe(true);
    await old!.finish(DOWN);
    expect(reports).toEqual([]);
    pass(10_000);
    expect(under.map(({ record: { port } }) => port)).toEqual([record.port + 1]);
    expect(scheduler.inFlight).toBe(1);
  });

  it('begins anew with the next process of an instance, and ignores probes of the one before', async () => {
    const { scheduler, under, reports, pass } = aScheduler();
    const record = probed({ health: { ...anInstance().health, state: 'unknown' }, incarnation: 'boot-1' });
    scheduler.take(record);
    for (let n = 0; n < 2; n++) {
      pass(11_000);
      await under[0]!.finish(DOWN);
    }
    pass(11_000);
    const [old] = under.splice(0);
    scheduler.take({ ...record, incarnation: 'boot-2', incarnationNumber: 2, version: 2 });
    expect(old!.calledOff.aborted).toBe(true);
    await old!.finish(DOWN);
    pass(1_000);
    await under[0]!.finish(DOWN);
    expect(reports.map(({ record: { incarnation }, verdict: { inARow } }) => [incarnation, inARow])).toEqual([
      ['boot-1', 1],
      ['boot-1', 2],
      ['boot-2', 1],
    ]);
  });

  it('continues when other fields of the instance change', async () => {
    const { scheduler, under, reports, pass } = aScheduler();
    const record = probed();
    scheduler.take(record);
    pass(10_000);
    scheduler.take({ ...record, weight: 7, version: 2 });
    await under[0]!.finish();
    expect(reports).toMatchObject([{ record: { weight: 7 } }]);
  });

  it('drops instances that other nodes probe, in any state', async () => {
    const { scheduler, under, reports, pass } = aScheduler(1);
    const [running, waiting, later] = [probed(), probed(), probed({ check: aTcpCheck({ intervalSeconds: 3_600 }) })];
    for (const record of [running, waiting, later]) scheduler.take(record);
    pass(10_000);
    scheduler.dropAll();
    await under[0]!.finish(DOWN);
    pass(100_000);
    expect([reports, scheduler.size, scheduler.inFlight, scheduler.waiting]).toEqual([[], 0, 0, 0]);
  });

  it('counts equal results in a row, and continues the count of the node before', async () => {
    const { scheduler, under, reports, pass } = aScheduler();
    scheduler.take(probed({ health: { ...anInstance().health, state: 'degraded', failures: 1, decidedBy: 'probe' } }));
    for (const outcome of [DOWN, DOWN, UP, UP, DOWN]) {
      pass(11_000);
      await under[0]!.finish(outcome);
    }
    const inARow = reports.map(({ verdict }) => (verdict.healthy ? verdict.inARow : -verdict.inARow));
    expect(inARow).toEqual([-2, -3, 1, 2, -1]);
  });

  it('does not count a probe for which this node lacked something, and repeats it soon', async () => {
    const { scheduler, under, reports, noted, faults, pass } = aScheduler();
    scheduler.take(probed({ check: aTcpCheck({ intervalSeconds: 600 }) }));
    pass(600_000);
    await under[0]!.finish(DOWN);
    pass(650_000);
    for (let n = 0; n < 3; n++) {
      await under[0]!.finish({ result: 'node', output: 'no answer', fault: 'dns' });
      expect(scheduler.notCounted).toEqual(new Map([['dns', 1]]));
      pass(5_000);
      expect(under, 'the next attempt waits for a whole interval').toHaveLength(1);
    }
    await under[0]!.finish(DOWN);
    expect(
      reports.map(({ verdict }) => verdict.inARow),
      'a fault of this node counts',
    ).toEqual([1, 2]);
    expect(noted).toEqual(['failure', 'node', 'node', 'node', 'failure']);
    expect(faults).toEqual(['dns', 'dns', 'dns']);
    expect(scheduler.notCounted.size).toBe(0);
  });

  it('says how many probes are overdue', () => {
    const { scheduler, pass, jump } = aScheduler(2);
    for (let n = 0; n < 10; n++) scheduler.take(probed());
    pass(10_000);
    jump(1_000);
    expect(scheduler.overdue).toBe(8);
    expect(scheduler.lateSeconds).toBeGreaterThan(1);
  });
});
