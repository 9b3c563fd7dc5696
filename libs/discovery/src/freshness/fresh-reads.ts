import { type LogHead } from '@coordination/log';
import { Clock, RevisionUnknownError, systemClock } from '@coordination/kernel';
import { CatalogView, ReadBarrier } from '@coordination/catalog';
import { Injectable, Optional } from '@nestjs/common';
import { type Found, type MadeAt } from '../responses/view-json.js';
import { type PollQuery } from './poll-query.js';
import { LongPolls } from './long-polls.js';
import { EVENTUAL, type ReadConsistency } from './read-consistency.js';

/** Something that was made from the view in slices, so that the view may have gone on meanwhile. */
interface MadeInSlices {
  /** Where in the log the view was when it was taken. */
  readonly madeAt: MadeAt;
}

const MS_PER_SECOND = 1_000;

/** Makes reads wait until the data meets their consistency requirements. */
@Injectable()
export class FreshReads {
  constructor(
    private readonly view: CatalogView,
    private readonly barrier: ReadBarrier,
    private readonly longPolls: LongPolls,
    @Optional() private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Waits until the view meets the requirements, and reads from it. What is read may take long to make: it shows the view as
   * it was when the requirements were met, or as it was later.
   * @throws what {@link untilFresh} and {@link now} throw
   */
  async fromView<Result extends object>(
    consistency: ReadConsistency,
    read: () => Result | Promise<Result & MadeInSlices>,
    poll?: () => PollQuery,
  ): Promise<Found<Result>> {
    await this.untilFresh(consistency, poll);
    const { catalog, result } = this.now(() => ({ result: read() }), consistency);
    if (!(result instanceof Promise)) return { ...result, catalog };
    const askedAtMs = this.clock.monotonicMs();
    const made = await result;
    // If it was made from an earlier position, nothing that it shows has changed between that and the request.
    const { revision, epoch } = made.madeAt.revision > catalog.revision ? made.madeAt : catalog;
    const waitedSeconds = (this.clock.monotonicMs() - askedAtMs) / MS_PER_SECOND;
    const stalenessSeconds = catalog.stalenessSeconds === 0 ? 0 : catalog.stalenessSeconds + waitedSeconds;
    return { ...made, catalog: { revision, epoch, stalenessSeconds } };
  }

  /**
   * Reads from the view without waiting; undefined if what is read takes long to make.
   * @throws StartingError, StaleViewError
   */
  atOnce<Result extends object>(read: () => Result | Promise<Result>): Found<Result> | undefined {
    const { catalog, result } = this.now(() => ({ result: read() }));
    return result instanceof Promise ? undefined : { ...result, catalog };
  }

  /**
   * Resolves when the view meets the requirements.
   * @param poll what the request reads, should it be held until that changes
   * @throws what {@link ReadBarrier} and {@link LongPolls} throw
   */
  async untilFresh(consistency: ReadConsistency, poll?: () => PollQuery): Promise<void> {
    const { minRevision, isStrong, signal } = consistency;
    if (minRevision !== undefined) await this.barrier.reach(minRevision, signal);
    if (isStrong) await this.barrier.strong(signal);
    if (poll) await this.untilChanged(consistency, poll);
  }

  /**
   * Reads from the view without waiting.
   * @throws StartingError, StaleViewError
   */
  now<Result extends object>(
    read: () => Result,
    { isStrong, wait }: Pick<ReadConsistency, 'isStrong' | 'wait'> = EVENTUAL,
  ): Found<Result> {
    const { view } = this;
    view.assertReadable();
    const { revision, stalenessSeconds: age } = view.freshness();
    // After a strong read, the view is known to have been current since the request arrived.
    const stalenessSeconds = isStrong && !wait ? 0 : age;
    const epoch = view.position?.epoch ?? '';
    return { ...read(), catalog: { revision, epoch, stalenessSeconds } };
  }

  /**
   * Resolves when PostgreSQL may be queried. It returns its present state, so the read is always strong. The head that the
   * result belongs to must be passed to {@link assertKnown}.
   * @throws what {@link ReadBarrier} and {@link LongPolls} throw
   */
  async untilStoreReadable(consistency: ReadConsistency, poll: () => PollQuery): Promise<void> {
    if (consistency.isStrong) await this.barrier.fence(consistency.signal);
    await this.untilChanged(consistency, poll);
  }

  /**
   * Checks the least revision that a request requires against the head that the result of PostgreSQL belongs to.
   * @throws RevisionUnknownError when the catalog does not know it
   */
  assertKnown({ minRevision }: ReadConsistency, { revision }: Pick<LogHead, 'revision'>): void {
    if (minRevision === undefined) return;
    const reason = minRevision > revision ? 'above-head' : this.view.unknownReason(minRevision);
    // `above-head` may only mean that the view is behind PostgreSQL.
    const isKnown = reason === undefined || (reason === 'above-head' && minRevision <= revision);
    if (!isKnown) throw new RevisionUnknownError(minRevision, reason);
  }

  private async untilChanged({ wait, signal }: ReadConsistency, poll: () => PollQuery): Promise<void> {
    if (!wait) return;
    await this.barrier.reach(wait.since, signal);
    await this.longPolls.untilChanged(poll(), { ...wait, signal });
  }
}
