import { type LogHead } from '@coordination/log';
import { RevisionUnknownError } from '@coordination/kernel';
import { type CatalogView } from '@coordination/catalog';
import { type Demand } from './read-consistency.js';
import { type Question } from './poll-query.js';
import { type ViewGate } from '@coordination/catalog';
import { type WaitingReads } from './long-polls.js';

/** Has reads wait until what they demand of the catalog is so. */
export class FreshReads {
  constructor(
    private readonly view: CatalogView,
    private readonly gate: ViewGate,
    private readonly waiting: WaitingReads,
  ) {}

  /**
   * Resolves when the view may answer.
   * @param question what is asked, if it comes to waiting
   * @throws what {@link ViewGate} and {@link WaitingReads} throw
   */
  async fromView(demand: Demand, question?: () => Question): Promise<void> {
    const { minRevision, isStrong, signal } = demand;
    if (minRevision !== undefined) await this.gate.reach(minRevision, signal);
    if (isStrong) await this.gate.strong(signal);
    if (question) await this.news(demand, question);
  }

  /**
   * Resolves when PostgreSQL may be asked. What it answers is of its present, and so always strong; {@link assertKnown}
   * is for its answer.
   * @throws what {@link ViewGate} and {@link WaitingReads} throw
   */
  async fromStore(demand: Demand, question: () => Question): Promise<void> {
    if (demand.isStrong) await this.gate.fence(demand.signal);
    await this.news(demand, question);
  }

  /**
   * Must be called with the head that belongs to an answer of PostgreSQL.
   * @throws RevisionUnknownError when the catalog does not know the least revision that is demanded
   */
  assertKnown({ minRevision }: Demand, { revision }: Pick<LogHead, 'revision'>): void {
    if (minRevision === undefined) return;
    const reason = minRevision > revision ? 'above-head' : this.view.unknownBecause(minRevision);
    // The view may only be behind.
    const isKnown = reason === undefined || (reason === 'above-head' && minRevision <= revision);
    if (!isKnown) throw new RevisionUnknownError(minRevision, reason);
  }

  private async news({ wait, signal }: Demand, question: () => Question): Promise<void> {
    if (!wait) return;
    await this.gate.reach(wait.since, signal);
    await this.waiting.news(question(), { ...wait, signal });
  }
}
