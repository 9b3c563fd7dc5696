import { CatalogView, ReadBarrier } from '@coordination/catalog';
import { Injectable } from '@nestjs/common';
import { type Found } from '../responses/cached-json.js';
import { type PollQuery } from './poll-query.js';
import { LongPolls } from './long-polls.js';
import { EVENTUAL, type ReadConsistency } from './read-consistency.js';

/** Makes reads wait until the data meets their consistency requirements. */
@Injectable()
export class FreshReads {
  constructor(
    private readonly view: CatalogView,
    private readonly barrier: ReadBarrier,
    private readonly longPolls: LongPolls,
  ) {}

  /**
   * Waits until the view meets the requirements, and reads from it.
   * @throws what {@link untilFresh} and {@link now} throw
   */
  async fromView<Result extends object>(
    consistency: ReadConsistency,
    read: () => Result,
    poll?: () => PollQuery,
  ): Promise<Found<Result>> {
    await this.untilFresh(consistency, poll);
    return this.now(read, consistency);
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

  private async untilChanged({ wait, signal }: ReadConsistency, poll: () => PollQuery): Promise<void> {
    if (!wait) return;
    await this.barrier.reach(wait.since, signal);
    await this.longPolls.untilChanged(poll(), { ...wait, signal });
  }
}
