import { type Clock } from '@coordination/kernel';
import { isAnother, type ProbeVerdict } from '@coordination/registry';
import { type ProbeMetrics } from '../probe-metrics.js';
import { type ProbedRecord } from '../probed-record.js';
import { type ProbeOutcome } from '../run/probe-outcome.js';
import { DueTimes } from './due-times.js';
import { firstDelayMs, nextProbe, type Random } from './probe-pace.js';
import { ProbeStreak } from './probe-streak.js';

/** How exactly (ms) due times are kept. */
export const SLOT_MS = 50;

export interface ProbeSchedulerTools {
  readonly probe: (target: ProbedRecord, calledOff: AbortSignal) => Promise<ProbeOutcome | undefined>;
  /** Makes known what probes found. It must not fail. */
  readonly report: (target: ProbedRecord, verdict: ProbeVerdict) => Promise<void>;
  /** Told of an instance that is not probed from here any more, so that nothing of it is left to be reported. */
  readonly dropped?: (id: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: ProbeMetrics;
}

/** One instance on the schedule. It is at one place at a time: due later, waiting for its turn, or being probed. */
interface Scheduled {
  record: ProbedRecord;
  readonly streak: ProbeStreak;
  readonly calledOff: AbortController;
  dueMs: number;
  isFirst: boolean;
  unplan: () => void;
}

/**
 * Probes instances again and again, each in its own time, with a bound on how many at once. Those that are due while
 * the bound is reached wait in the order in which they were due; an instance never waits twice.
 */
export class ProbeScheduler {
  private readonly scheduled = new Map<string, Scheduled>();
  private readonly due: DueTimes<Scheduled>;
  private readonly ready = new Set<Scheduled>();
  private running = 0;

  constructor(
    private readonly tools: ProbeSchedulerTools,
    private readonly maxAtOnce: number,
  ) {
    this.due = new DueTimes(SLOT_MS, tools.clock.monotonicMs());
  }

  /** Instances that are probed from here. */
  get size(): number {
    return this.scheduled.size;
  }

  /** Probes that are under way. */
  get inFlight(): number {
    return this.running;
  }

  /** Probes that are due and wait for others to end. */
  get waiting(): number {
    return this.ready.size;
  }

  /** For how long (s) the first of those that wait has been due. */
  get lateSeconds(): number {
    const [first] = this.ready;
    return first ? Math.max(0, this.tools.clock.monotonicMs() - first.dueMs) / 1_000 : 0;
  }

  /** Probes an instance from now on. If it is on the schedule, it begins anew only when its endpoint, check or process is another. */
  take(record: ProbedRecord): void {
    const known = this.scheduled.get(record.id);
    if (known && !isAnother(known.record, record)) {
      known.record = record;
      return;
    }
    this.drop(record.id);
    const { clock, random } = this.tools;
    const entry: Scheduled = {
      record,
      streak: new ProbeStreak(record.health),
      calledOff: new AbortController(),
      dueMs: 0,
      isFirst: true,
      unplan: () => undefined,
    };
    this.scheduled.set(record.id, entry);
    this.plan(entry, clock.monotonicMs() + firstDelayMs(record, random));
  }

  /** Probes an instance no longer; what a probe under way finds does not count. */
  drop(id: string): void {
    const entry = this.scheduled.get(id);
    if (!entry) return;
    this.scheduled.delete(id);
    this.ready.delete(entry);
    entry.unplan();
    entry.calledOff.abort();
    this.tools.dropped?.(id);
  }

  dropAll(): void {
    for (const id of this.scheduled.keys()) this.drop(id);
  }

  /** Starts what is due; to be called every {@link SLOT_MS}. */
  tick(): void {
    for (const entry of this.due.take(this.tools.clock.monotonicMs())) this.ready.add(entry);
    this.startReady();
  }

  private plan(entry: Scheduled, dueMs: number): void {
    entry.dueMs = dueMs;
    entry.unplan = this.due.add(entry, dueMs);
  }

  private startReady(): void {
    for (const entry of this.ready) {
      if (this.running >= this.maxAtOnce) return;
      this.ready.delete(entry);
      void this.run(entry);
    }
  }

  private async run(entry: Scheduled): Promise<void> {
    const { record, calledOff } = entry;
    const { probe, report, clock, metrics } = this.tools;
    const end = metrics.start(record.check.kind, Math.max(0, clock.monotonicMs() - entry.dueMs) / 1_000);
    this.running += 1;
    const outcome = await probe(record, calledOff.signal);
    this.running -= 1;
    this.startReady();
    if (!outcome || calledOff.signal.aborted) return;
    end(outcome.result);
    await report(entry.record, entry.streak.with(outcome));
    if (calledOff.signal.aborted) this.tools.dropped?.(record.id);
    else this.planNext(entry);
  }

  private planNext(entry: Scheduled): void {
    const { clock, random, metrics } = this.tools;
    const { dueMs, skipped } = nextProbe(entry.record, entry, clock.monotonicMs(), random);
    if (skipped > 0) metrics.skipped(skipped);
    entry.isFirst = false;
    this.plan(entry, dueMs);
  }
}
