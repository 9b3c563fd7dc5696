import { Inject, Injectable, type OnModuleInit, Optional } from '@nestjs/common';
import { type Settings } from '@coordination/config';
import { type NodeFault } from '@coordination/catalog';
import { Clock } from '@coordination/kernel';
import { isAnother } from '@coordination/registry';
import { ProbeMetrics } from '../probe-metrics.js';
import { ProbeVerdicts } from '../holding/probe-verdicts.js';
import { type ProbedRecord } from '../probed-record.js';
import { Prober } from '../run/prober.js';
import { DueTimes } from './due-times.js';
import { firstDelayMs, nextProbe, type Random, retryDelayMs } from './probe-pace.js';
import { ProbeStreak } from './probe-streak.js';

/** The resolution (ms) of due times. */
export const SLOT_MS = 50;

/** A probe that has been due for longer than this (ms) is overdue. */
export const OVERDUE_MS = 1_000;

/** The most probes that a node has under way at once. */
export const probeConcurrency = ({ PCS_PROBE_CONCURRENCY }: Settings): number => PCS_PROBE_CONCURRENCY;

/** One instance on the schedule. It has one state at a time: due later, waiting, or being probed. */
interface Scheduled {
  record: ProbedRecord;
  readonly streak: ProbeStreak;
  readonly calledOff: AbortController;
  dueMs: number;
  isFirst: boolean;
  /** What this node lacked for the last probe, which then did not count. */
  fault: NodeFault | undefined;
  unplan: () => void;
}

/**
 * Probes instances repeatedly, each at its own interval, with a bound on how many at once. Probes that are due while the bound
 * is reached wait in the order in which they were due; an instance is in the queue at most once.
 */
@Injectable()
export class ProbeScheduler implements OnModuleInit {
  private readonly scheduled = new Map<string, Scheduled>();
  private readonly due: DueTimes<Scheduled>;
  private readonly ready = new Set<Scheduled>();
  private running = 0;

  constructor(
    @Inject(Prober) private readonly prober: Pick<Prober, 'probe'>,
    @Inject(ProbeVerdicts) private readonly reports: Pick<ProbeVerdicts, 'expect' | 'report' | 'note' | 'dropReport'>,
    @Inject(ProbeMetrics) private readonly metrics: Pick<ProbeMetrics, 'start' | 'skipped' | 'notCounted' | 'observe'>,
    private readonly clock: Clock,
    @Inject(probeConcurrency) private readonly maxAtOnce: number,
    @Optional() private readonly random: Random = Math.random,
  ) {
    this.due = new DueTimes(SLOT_MS, clock.monotonicMs());
  }

  onModuleInit(): void {
    this.metrics.observe(this);
  }

  /** Instances that this node probes. */
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

  /** How long (s) the first waiting probe has been due. */
  get lateSeconds(): number {
    const [first] = this.ready;
    return first ? Math.max(0, this.clock.monotonicMs() - first.dueMs) / 1_000 : 0;
  }

  /** Probes that have been due for longer than {@link OVERDUE_MS}. */
  get overdue(): number {
    const beforeMs = this.clock.monotonicMs() - OVERDUE_MS;
    let count = 0;
    // They wait in the order in which they were due.
    for (const { dueMs } of this.ready) {
      if (dueMs >= beforeMs) break;
      count += 1;
    }
    return count;
  }

  /** Instances whose last probe did not count, by what this node lacked. */
  get notCounted(): ReadonlyMap<NodeFault, number> {
    const counts = new Map<NodeFault, number>();
    for (const { fault } of this.scheduled.values()) if (fault) counts.set(fault, (counts.get(fault) ?? 0) + 1);
    return counts;
  }

  /** Probes an instance from now on. If it is already on the schedule, it begins anew only if its endpoint, check or process changed. */
  take(record: ProbedRecord): void {
    const known = this.scheduled.get(record.id);
    if (known && !isAnother(known.record, record)) {
      known.record = record;
      return;
    }
    this.drop(record.id);
    const entry: Scheduled = {
      record,
      streak: new ProbeStreak(record.health),
      calledOff: new AbortController(),
      dueMs: 0,
      isFirst: true,
      fault: undefined,
      unplan: () => undefined,
    };
    this.scheduled.set(record.id, entry);
    this.reports.expect(record);
    this.plan(entry, this.clock.monotonicMs() + firstDelayMs(record, this.random));
  }

  /** Probes an instance no longer. The result of a probe under way does not count. */
  drop(id: string): void {
    const entry = this.scheduled.get(id);
    if (!entry) return;
    this.scheduled.delete(id);
    this.ready.delete(entry);
    entry.unplan();
    entry.calledOff.abort();
    this.reports.dropReport(id);
  }

  dropAll(): void {
    for (const id of this.scheduled.keys()) this.drop(id);
  }

  /** Starts the probes that are due; to be called every {@link SLOT_MS}. */
  tick(): void {
    for (const entry of this.due.take(this.clock.monotonicMs())) this.ready.add(entry);
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
    const { prober, reports, clock, metrics } = this;
    const end = metrics.start(record.check.kind, Math.max(0, clock.monotonicMs() - entry.dueMs) / 1_000);
    this.running += 1;
    const outcome = await prober.probe(record, calledOff.signal);
    this.running -= 1;
    this.startReady();
    if (!outcome || calledOff.signal.aborted) return;
    end(outcome.result);
    reports.note(entry.record, outcome);
    entry.fault = outcome.fault;
    if (outcome.result === 'node') return this.planAgain(entry);
    await reports.report(entry.record, entry.streak.with(outcome));
    if (calledOff.signal.aborted) this.reports.dropReport(record.id);
    else this.planNext(entry);
  }

  /** A probe that did not count is repeated soon, and continues no series of equal results. */
  private planAgain(entry: Scheduled): void {
    if (entry.fault) this.metrics.notCounted(entry.fault);
    this.plan(entry, this.clock.monotonicMs() + retryDelayMs(entry.record, this.random));
  }

  private planNext(entry: Scheduled): void {
    const { clock, random, metrics } = this;
    const { dueMs, skipped } = nextProbe(entry.record, entry, clock.monotonicMs(), random);
    if (skipped > 0) metrics.skipped(skipped);
    entry.isFirst = false;
    this.plan(entry, dueMs);
  }
}
