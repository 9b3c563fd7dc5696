import { Clock, systemClock } from '@coordination/kernel';
import { CatalogView, ReadBarrier } from '@coordination/catalog';
import { Injectable, Optional } from '@nestjs/common';
import { type CatalogVersion } from '../responses/catalog-version.js';
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
   * Waits until the view meets the requirements, and reads from it; see {@link made}.
   * @throws what {@link untilFresh} and {@link now} throw
   */
  async fromView<Result extends object>(
    consistency: ReadConsistency,
    read: () => Result | Promise<Result & MadeInSlices>,
    poll?: () => PollQuery,
  ): Promise<Found<Result>> {
    await this.untilFresh(consistency, poll);
    return await this.made(read, consistency);
  }

  /**
   * Reads from the view, which meets the requirements. What is read may take long to make: it shows the view as it is now, or
   * as it is later.
   * @throws StartingError, StaleViewError
   */
  async made<Result extends object>(
    read: () => Result | Promise<Result & MadeInSlices>,
    consistency: ReadConsistency,
  ): Promise<Found<Result>> {
    const catalog = this.versionNow(consistency);
    const result = read();
    if (!(result instanceof Promise)) return { ...result, catalog };
    const askedAtMs = this.clock.monotonicMs();
    const made = await result;
    // If it was made from an earlier position, nothing that it shows has changed between that and the request.
    const { revision, epoch } = made.madeAt.revision > catalog.revision ? made.madeAt : catalog;
    const waitedSeconds = (this.clock.monotonicMs() - askedAtMs) / MS_PER_SECOND;
    const isCurrent = consistency.isStrong && !consistency.wait;
    const stalenessSeconds = isCurrent ? 0 : catalog.stalenessSeconds + waitedSeconds;
    return { ...made, catalog: { revision, epoch, stalenessSeconds } };
  }

  /**
   * Reads from the view without waiting; undefined if what is read takes long to make.
   * @throws StartingError, StaleViewError
   */
  atOnce<Result extends object>(read: () => Result | Promise<Result>): Found<Result> | undefined {
    const catalog = this.versionNow(EVENTUAL);
    const result = read();
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
    consistency: Pick<ReadConsistency, 'isStrong' | 'wait'> = EVENTUAL,
  ): Found<Result> {
    const catalog = this.versionNow(consistency);
    return { ...read(), catalog };
  }

  /** The state of the view, which must be readable. */
  private versionNow({ isStrong, wait }: Pick<ReadConsistency, 'isStrong' | 'wait'>): CatalogVersion {
    const { view } = this;
    view.assertReadable();
    const { revision, stalenessSeconds: age } = view.freshness();
    // After a strong read, the view is known to have been current since the request arrived.
    const stalenessSeconds = isStrong && !wait ? 0 : age;
    return { revision, epoch: view.position?.epoch ?? '', stalenessSeconds };
  }

  private async untilChanged({ wait, signal }: ReadConsistency, poll: () => PollQuery): Promise<void> {
    if (!wait) return;
    await this.barrier.reach(wait.since, signal);
    await this.longPolls.untilChanged(poll(), { ...wait, signal });
  }
}
