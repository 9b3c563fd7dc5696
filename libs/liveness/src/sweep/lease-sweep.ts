import { Inject, Injectable } from '@nestjs/common';
import { RoleElector, type RoleTerm } from '@coordination/leadership';
import { type ExpiryPlan, ExpiryPlanner, MAX_AT_ONCE } from './expiry-planner.js';
import { GuardRecorder } from './guard-recorder.js';
import { LeaseExpirer } from './lease-expirer.js';
import { Redating } from './redating.js';
import { SweepMetrics } from './sweep-metrics.js';

/**
 * A stall (ms) after the claim that a sweep began with, up to which its plan is carried out. It is shorter than the time for which
 * the end of a lease waits for renewals to be written, so it makes no renewal come too late.
 */
const STALL_TOLERANCE_MS = 250;

/** Finds expired leases, evaluates and stores the guards, and ends the leases that they allow to end. */
@Injectable()
export class LeaseSweep {
  constructor(
    private readonly planner: ExpiryPlanner,
    private readonly redating: Redating,
    private readonly recorder: GuardRecorder,
    private readonly expirer: LeaseExpirer,
    @Inject(RoleElector) private readonly role: Pick<RoleElector, 'recordWork' | 'unrecordedStallMs'>,
    @Inject(SweepMetrics) private readonly metrics: Pick<SweepMetrics, 'startSweep'>,
  ) {}

  /**
   * One sweep.
   * @param sinceLastMs how long ago the last one was
   * @param progress is called whenever some leases have been ended
   * @returns whether more leases can be ended at once
   * @throws StoreUnavailableError, QueueFullError: the next sweep ends what was not ended; UnendedLeasesError: all others were
   */
  async run(term: RoleTerm, sinceLastMs: number, progress: () => void = () => undefined): Promise<boolean> {
    const end = this.metrics.startSweep();
    try {
      const hasMore = await this.sweep(term, sinceLastMs, progress);
      end('done');
      return hasMore;
    } catch (error) {
      end('failed');
      throw error;
    }
  }

  private async sweep(term: RoleTerm, sinceLastMs: number, progress: () => void): Promise<boolean> {
    const plan = await this.plan(term, sinceLastMs);
    // A plan from before a stall does not know that leases could not be renewed in it. The next sweep begins with a new claim.
    if (!plan || this.role.unrecordedStallMs > STALL_TOLERANCE_MS) return false;
    await this.recorder.record(plan, term);
    progress();
    const result = await this.expirer.end(plan, term, progress);
    await this.role.recordWork(term);
    result.assertAllEnded();
    return result.isComplete && plan.due.length >= MAX_AT_ONCE;
  }

  private async plan(term: RoleTerm, sinceLastMs: number): Promise<ExpiryPlan | undefined> {
    const plan = await this.planner.plan(term, sinceLastMs);
    if (!plan?.hasAhead) return plan;
    // Stored times in the future are corrected before anything is decided by them.
    await this.redating.run();
    return await this.planner.plan(term, sinceLastMs);
  }
}
