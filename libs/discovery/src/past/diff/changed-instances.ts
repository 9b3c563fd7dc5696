import { LogCutRepository } from '@coordination/log';
import { type Databases, query, readSnapshot, type ReadOptions } from '@coordination/database';
import {
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceView,
  normalizeRecord,
  toInstanceView,
} from '@coordination/catalog';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Statement } from '../../selection/selection-sql.js';
import { type ScanBudget } from '../../selection/scan-budget.js';
import { PAST_SETTINGS } from '../past-sql.js';
import { type ChangesQuestion, statesOf, touchedIdentities, visitedIdentities } from './changes-sql.js';
import { type TwoStates } from './instance-difference.js';

/** How many identities a statement looks at, and of how many one tells both states, each of up to 33 kB. */
const IDENTITIES_STEP = 1_000;
const STATES_STEP = 100;

/**
 * Between revisions that are no further apart, all events are looked through for whom they touched; else every instance
 * that there ever was is asked whether it was touched. The first costs some 50 ms for each page.
 */
const SHORT_SPAN = 20_000;

/** An identity, and what it was at both revisions if an event touched it in between. */
export interface MaybeChanged extends InstanceIdentity {
  readonly states: TwoStates | undefined;
}

/** Two states as the log has them. */
type StoredStates = Readonly<Record<keyof TwoStates, InstanceRecord | null>>;

type IdentityRow = InstanceIdentity & { readonly isTouched: boolean };

/** Finds which instances were touched between two revisions, and what they were at both, in short transactions. */
export class ChangedInstances {
  constructor(
    private readonly databases: Databases,
    private readonly shortSpan = SHORT_SPAN,
    private readonly cuts = new LogCutRepository(),
  ) {}

  /**
   * Identities in their order, at least those that were touched.
   * @param budget is told of each identity; whoever walks leaves when it is spent
   * @throws RevisionCompactedError when the first revision is no longer retained, or was removed meanwhile
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async *walk(question: ChangesQuestion, budget: ScanBudget): AsyncGenerator<MaybeChanged> {
    const isShort = question.to - question.from <= this.shortSpan;
    for (let { after } = question; ;) {
      const here = { ...question, after };
      const step = await (isShort
        ? this.rows<IdentityRow>(question, touchedIdentities(here, IDENTITIES_STEP))
        : this.rows<IdentityRow>(question, visitedIdentities(here, IDENTITIES_STEP), { settings: PAST_SETTINGS }));
      const touched = step.filter(({ isTouched }) => isTouched);
      let known: TwoStates[] = [];
      for (const { isTouched, ...identity } of step) {
        await budget.look();
        if (isTouched && known.length === 0) known = await this.states(touched.splice(0, STATES_STEP), question);
        yield { ...identity, states: isTouched ? known.shift() : undefined };
      }
      after = step.at(-1);
      if (step.length < IDENTITIES_STEP) return;
    }
  }

  private async states(identities: readonly InstanceIdentity[], question: ChangesQuestion): Promise<TwoStates[]> {
    const rows = await this.rows<StoredStates>(question, statesOf(identities, question), { settings: PAST_SETTINGS });
    return rows.map(({ before, after }) => ({ before: told(before), after: told(after) }));
  }

  private async rows<Row>(
    { from }: Pick<ChangesQuestion, 'from'>,
    { text, parameters }: Statement,
    options?: ReadOptions,
  ): Promise<Row[]> {
    const work = async (em: EntityManager) => {
      await this.cuts.assertRetained(em, from);
      return await query<Row>(em, text, parameters);
    };
    return await readSnapshot(this.databases, work, options);
  }
}

const told = (state: InstanceRecord | null): InstanceView | null => state && toInstanceView(normalizeRecord(state));
