import { type LogHead } from '@coordination/log';
import { RevisionUnknownError } from '@coordination/kernel';
import { type CatalogView, type ReadBarrier } from '@coordination/catalog';
import { type ReadConsistency } from './read-consistency.js';
import { type PollQuery } from './poll-query.js';
import { type LongPolls } from './long-polls.js';

/** Has reads wait until what they demand of the catalog is so. */
export class FreshReads {
  constructor(
    private readonly view: CatalogView,
    private readonly gate: ReadBarrier,
    private readonly waiting: LongPolls,
  ) {}

  /**
   * Resolves when the view may answer.
   * @param question what is asked, if it comes to waiting
   * @throws what {@link ReadBarrier} and {@link LongPolls} throw
   */
  async fromView(demand: ReadConsistency, question?: () => PollQuery): Promise<void> {
    const { minRevision, isStrong, signal } = demand;
    if (minRevision !== undefined) await this.gate.reach(minRevision, signal);
    if (isStrong) await this.gate.strong(signal);
    if (question) await this.news(demand, question);
  }

  /**
   * Resolves when PostgreSQL may be asked. What it answers is of its present, and so always strong; {@link assertKnown}
   * is for its answer.
   * @throws what {@link ReadBarrier} and {@link LongPolls} throw
   */
  async fromStore(demand: ReadConsistency, question: () => PollQuery): Promise<void> {
    if (demand.isStrong) await this.gate.fence(demand.signal);
    await this.news(demand, question);
  }

  /**
   * Must be called with the head that belongs to an answer of PostgreSQL.
   * @throws RevisionUnknownError when the catalog does not know the least revision that is demanded
   */
  assertKnown({ minRevision }: ReadConsistency, { revision }: Pick<LogHead, 'revision'>): void {
    if (minRevision === undefined) return;
    const reason = minRevision > revision ? 'above-head' : this.view.unknownBecause(minRevision);
    // The view may only be behind.
    const isKnown = reason === undefined || (reason === 'above-head' && minRevision <= revision);
    if (!isKnown) throw new RevisionUnknownError(minRevision, reason);
  }

  private async news({ wait, signal }: ReadConsistency, question: () => PollQuery): Promise<void> {
    if (!wait) return;
    await this.gate.reach(wait.since, signal);
    await this.waiting.news(question(), { ...wait, signal });
  }
}
