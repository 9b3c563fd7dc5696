import { Inject, Injectable } from '@nestjs/common';
import { CatalogView, type InstanceRecord } from '@coordination/catalog';
import { Clock } from '@coordination/kernel';
import { afterProbe, isAnother, type ProbeVerdict } from '@coordination/registry';
import { GuardStates } from '../../guard/guard-states.js';
import { ProbeReports } from '../probe-reports.service.js';
import { isProbedRecord, type ProbedRecord } from '../probed-record.js';
import { type ProbeOutcome } from '../run/probe-outcome.js';
import { type PendingFailure } from './judge-failures.js';
import { ProbeGuardRules } from './probe-guard-rules.js';
import { ProbeTally, type TallyMoment } from './probe-tally.js';

const MS = 1_000;

/**
 * The longest time (ms) that a failure waits for others that begin at the same time, where there are enough instances for a
 * guard: one interval of its check, or this.
 */
const MAX_SETTLE_MS = 5_000;

/** The most looks of another node that a failure needs. */
const MAX_LOOKS = 3;

interface Pending {
  readonly record: ProbedRecord;
  verdict: ProbeVerdict;
  readonly sinceMs: number;
}

/**
 * Takes the verdicts of the probes of this node. One that would make the status of an instance worse waits until it is certain
 * that not too many others begin to fail at the same time; all others are reported at once. Services that are too small for a
 * guard have no delay.
 */
@Injectable()
export class ProbeVerdicts {
  private readonly tally = new ProbeTally();
  private readonly waiting = new Map<string, Pending>();

  constructor(
    @Inject(CatalogView) private readonly view: Pick<CatalogView, 'find'>,
    @Inject(ProbeReports) private readonly reports: Pick<ProbeReports, 'note' | 'report' | 'dropReport'>,
    @Inject(GuardStates) private readonly guards: Pick<GuardStates, 'of'>,
    private readonly clock: Clock,
    @Inject(ProbeGuardRules) private readonly rules: Pick<ProbeGuardRules, 'current'>,
  ) {}

  /** Failures that wait. */
  get pendingCount(): number {
    return this.waiting.size;
  }

  /** This node is to probe an instance from now on. */
  expect({ id, namespace, service }: ProbedRecord): void {
    this.tally.add(id, namespace, service);
  }

  /** Records how a probe ended. */
  note(record: ProbedRecord, outcome: ProbeOutcome): void {
    this.reports.note(record, outcome);
  }

  /** Reports a verdict, now or later. It never fails. */
  async report(probed: ProbedRecord, verdict: ProbeVerdict): Promise<void> {
    const { view, reports, tally, waiting, clock } = this;
    const record = view.find(probed.id);
    if (!record || !isProbedRecord(record) || isAnother(probed, record)) return this.dropReport(probed.id);
    const { id } = record;
    const isServing = record.health.state === 'healthy' || record.health.state === 'degraded';
    // An override announced what happens, and an instance that is not in use cannot be lost.
    if (record.override) tally.ignore(id);
    else if (verdict.healthy) tally.succeeded(id);
    else tally.failed(id, isServing, clock.monotonicMs());
    const known = waiting.get(id);
    if (verdict.healthy || !isServing || !isWorse(record, verdict) || !this.mayBeHeld(record)) {
      if (!verdict.healthy && known) known.verdict = verdict;
      else {
        waiting.delete(id);
        await reports.report(probed, verdict);
      }
    } else if (known) known.verdict = verdict;
    else waiting.set(id, { record, verdict, sinceMs: clock.monotonicMs() });
  }

  /** Forgets an instance that this node does not probe any more. */
  dropReport(id: string): void {
    this.tally.delete(id);
    this.waiting.delete(id);
    this.reports.dropReport(id);
  }

  /** The failures that wait, the oldest first. */
  pending(): PendingFailure[] {
    const nowMs = this.clock.monotonicMs();
    return [...this.waiting.values()].map(({ record: { id, namespace, service, check }, sinceMs }) => ({
      id,
      namespace,
      service,
      isSettled: nowMs - sinceMs >= Math.min(MAX_SETTLE_MS, check.intervalSeconds * MS),
      looksNeeded: Math.min(MAX_LOOKS, check.failureThreshold),
    }));
  }

  /** The numbers by which guards are evaluated. */
  counts(moment: Pick<TallyMoment, 'now' | 'since'>) {
    const nowMs = this.clock.monotonicMs();
    return this.tally.counts({ ...moment, nowMs, isPending: id => this.waiting.has(id) });
  }

  /** A failure counts only if the next probe fails, too. */
  forget(id: string): void {
    this.waiting.delete(id);
  }

  /** A failure counts now. It never fails. @param confirmedBy another node that sees the same */
  async release(id: string, confirmedBy?: string): Promise<void> {
    const failure = this.waiting.get(id);
    if (!failure) return;
    this.waiting.delete(id);
    await this.reports.report(failure.record, failure.verdict, confirmedBy);
  }

  /** Whether there are enough instances for a guard, or an operator has forced one. */
  private mayBeHeld({ namespace, service }: InstanceRecord): boolean {
    const { tally, guards } = this;
    const { minInstances, totalMinInstances } = this.rules.current();
    return (
      tally.sizeOf(namespace, service) >= minInstances ||
      tally.size >= totalMinInstances ||
      guards.of(namespace, service)?.reason === 'operator'
    );
  }
}

const isWorse = ({ health, check }: ProbedRecord, verdict: ProbeVerdict): boolean =>
  afterProbe(health, check, verdict, health.since).state !== health.state;
