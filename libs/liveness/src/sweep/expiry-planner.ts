import { Inject, Injectable } from '@nestjs/common';
import { Databases, readSnapshot } from '@coordination/database';
import { isAhead, type LeaseAllowance } from '@coordination/catalog';
import { NodeRoleRepository, type RoleTerm } from '@coordination/leadership';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Admission, admit, admitted } from '../guard/admission.js';
import { evaluateGuard } from '../guard/evaluate-guard.js';
import { type ExpiryRules, expiryRules } from '../guard/guard-rules.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { findAbandonedProbeGuards } from '../guard/probe-guards/probe-guard.repository.js';
import { effectiveGraces, longStallUntil } from '../guard/outage-recovery.js';
import { RecentEvictions } from '../guard/recent-evictions.js';
import { countWindows } from './count-windows.js';
import { type EndedLease, EndedLeasesRepository, type LeaseMoment } from './ended-leases.repository.js';
import { type EvaluatedGuards } from './guard-recorder.js';

/** The most leases that one sweep ends; the next sweep, which follows at once, ends further ones. */
export const MAX_AT_ONCE = 2_000;

/** The longest pause (ms) that the bounded rate counts: a sweeper that is late does not catch up. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * How long (ms) each of the two reads of all leases may take. A sweep that is aborted ends nothing, however often it is
 * tried, so this is longer than for other reads. Together they exceed ten seconds, the longest that a snapshot should last,
 * only where most of a million leases have expired at once.
 */
const SWEEP_TIMEOUT_MS = 8_000;

/** What a sweep is to do, read at one moment. */
export interface ExpiryPlan extends EvaluatedGuards {
  readonly moment: LeaseMoment;
  /** Leases to be ended. */
  readonly due: readonly EndedLease[];
  /** Whether a stored time is in the future. */
  readonly hasAhead: boolean;
}

/** Finds expired leases, evaluates the guards, and selects the leases that they allow to end. */
@Injectable()
export class ExpiryPlanner {
  constructor(
    private readonly databases: Databases,
    private readonly roles: NodeRoleRepository,
    private readonly guards: LivenessGuardRepository,
    private readonly leases: EndedLeasesRepository,
    private readonly evictions: RecentEvictions,
    @Inject(expiryRules) private readonly rules: ExpiryRules,
  ) {}

  /**
   * @param sinceLastMs how long ago the last sweep was
   * @returns undefined when the term is over
   */
  async plan(term: RoleTerm, sinceLastMs: number): Promise<ExpiryPlan | undefined> {
    return await readSnapshot(this.databases, em => this.planIn(em, term, sinceLastMs), {
      purpose: 'liveness',
      timeoutMs: SWEEP_TIMEOUT_MS,
    });
  }

  private async planIn(em: EntityManager, term: RoleTerm, sinceLastMs: number): Promise<ExpiryPlan | undefined> {
    const { roles, guards, leases, evictions, rules } = this;
    const role = await roles.find(em, term.role);
    if (role?.holder !== term.holder || role.term !== term.term) return undefined;
    const { now } = role;
    const before = await guards.findStates(em);
    const overrides = await guards.findOverrides(em);
    const abandoned = await findAbandonedProbeGuards(em);
    const graces = effectiveGraces(role, overrides);
    const allowance: LeaseAllowance = { flushBoundMs: rules.flushBoundMs, maxGraceMs: rules.maxMs, ...graces };
    const moment = { now, allowance };
    const windows = countWindows(now, before, rules);
    evictions.keepBetween(windows.earliest, now);
    const found = await leases.count(em, moment, windows);
    const counts = evictions.addTo(found, windows.by);
    const { recoveringSince } = graces;
    const stalledUntil = longStallUntil(graces);
    const evaluation = evaluateGuard({
      now,
      rules,
      states: before,
      overrides,
      counts,
      recoveringSince,
      stalledUntil,
    });
    const admission = admit(evaluation, releasedIn(sinceLastMs, rules));
    const hasAny = found.total.pending > 0 || found.lapsed > 0;
    const due = hasAny ? await this.findDue(em, moment, admission) : [];
    const hasAhead = found.ahead > 0 || overrides.some(({ orderedAt }) => isAhead(orderedAt, now));
    return { before, after: evaluation.states, overrides, abandoned, moment, due, hasAhead };
  }

  private async findDue(em: EntityManager, moment: LeaseMoment, admission: Admission): Promise<EndedLease[]> {
    return admitted(await this.leases.find(em, moment, admission, MAX_AT_ONCE), admission);
  }
}

/** How many leases a releasing guard lets end after a pause. */
const releasedIn = (sinceLastMs: number, { releasePerSecond }: ExpiryRules): number =>
  Math.max(1, Math.floor((releasePerSecond * Math.min(sinceLastMs, LONGEST_PAUSE_MS)) / 1_000));
