import { Inject, Injectable } from '@nestjs/common';
import { type LeaseAllowance } from '@coordination/catalog';
import { ValidationFailedError } from '@coordination/kernel';
import { type RoleTerm, TermEndedError } from '@coordination/leadership';
import { CatalogWriter } from '@coordination/registry';
import { RecentEvictions } from '../guard/recent-evictions.js';
import { LIVENESS } from '../liveness-origin.js';
import { type EndedLease } from './ended-leases.repository.js';
import { type ExpiryPlan } from './expiry-planner.js';
import { SweepMetrics } from './sweep-metrics.js';

/**
 * Leases that one request ends: less than a batch of the writer carries. The request comes before those of callers, but after the
 * batch that is being committed, so fewer leases in each would end later while callers write large batches.
 */
const CHUNK = 500;

/** A lease that cannot be ended. */
interface RefusedLease {
  readonly id: string;
  readonly error: Error;
}

/** Some expired leases could not be ended, also when each was tried alone; all others were. */
class UnendedLeasesError extends Error {
  override readonly name = 'UnendedLeasesError';

  constructor(count: number, of: number, { id, error }: RefusedLease) {
    super(`${count} of ${of} expired leases could not be ended, among them that of ${id}: ${error.message}`);
  }
}

/** What ending leases came to. */
export class ExpiryResult {
  constructor(
    /** Whether all leases were tried; false: this node lost the role. */
    readonly isComplete: boolean,
    private readonly due: number,
    private readonly refused: readonly RefusedLease[],
  ) {}

  /** @throws UnendedLeasesError when some leases could not be ended */
  assertAllEnded(): void {
    const [first] = this.refused;
    if (first) throw new UnendedLeasesError(this.refused.length, this.due, first);
  }
}

/** Whether an error is caused by the leases of the request: the database refused them, or deciding failed. All others have codes. */
const isAboutLeases = (error: unknown): error is Error =>
  error instanceof ValidationFailedError ||
  (error instanceof Error && (error as NodeJS.ErrnoException).code === undefined);

/** Ends leases, through the writer. */
@Injectable()
export class LeaseExpirer {
  constructor(
    private readonly writer: CatalogWriter,
    private readonly evictions: RecentEvictions,
    @Inject(SweepMetrics) private readonly metrics: Pick<SweepMetrics, 'expired'>,
  ) {}

  /**
   * Ends leases, chunk by chunk. Of a chunk that is refused each half is tried by itself, down to the leases that are
   * refused: one that cannot be ended must not prevent the end of all others.
   * @param progress is called after each request
   * @throws StoreUnavailableError, QueueFullError
   */
  async end(
    { due, moment }: Pick<ExpiryPlan, 'due' | 'moment'>,
    term: RoleTerm,
    progress: () => void,
  ): Promise<ExpiryResult> {
    const refused: RefusedLease[] = [];
    const chunks: (readonly EndedLease[])[] = [];
    for (let from = 0; from < due.length; from += CHUNK) chunks.push(due.slice(from, from + CHUNK));
    for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) {
      try {
        await this.expire(chunk, moment.allowance, term);
      } catch (error) {
        if (error instanceof TermEndedError) return new ExpiryResult(false, due.length, refused);
        if (!isAboutLeases(error)) throw error;
        const middle = Math.ceil(chunk.length / 2);
        if (chunk.length > 1) chunks.unshift(chunk.slice(0, middle), chunk.slice(middle));
        else refused.push({ id: chunk[0]!.id, error });
      }
      progress();
    }
    return new ExpiryResult(true, due.length, refused);
  }

  private async expire(leases: readonly EndedLease[], allowance: LeaseAllowance, term: RoleTerm): Promise<void> {
    const { writer, metrics } = this;
    const commands = leases.map(({ id }) => {
      return { kind: 'expire', target: { id }, whenAbsent: 'ignore', allowance } as const;
    });
    const { results } = await writer.submit({ commands, origin: LIVENESS, term });
    const evicted = leases.filter((_, n) => results[n]?.outcome === 'deregistered');
    metrics.expired('deregistered', evicted.length);
    // An instance that had lapsed before and was not deregistered only got another time.
    const lapsed = leases.filter((lease, n) => !lease.lapsed && results[n]?.outcome === 'updated');
    metrics.expired('lapsed', lapsed.length);
    this.evictions.note(evicted);
  }
}
