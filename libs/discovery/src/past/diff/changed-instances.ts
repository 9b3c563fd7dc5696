import { type Databases, query, read, type ReadOptions } from '@coordination/database';
import { type InstanceIdentity, type InstanceRecord, normalizeRecord } from '@coordination/registry';
import { type Statement } from '../../catalog-search.repository.js';
import { type LookBudget } from '../../look-budget.js';
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

type IdentityRow = InstanceIdentity & { readonly isTouched: boolean };

/** Finds which instances were touched between two revisions, and what they were at both, in short transactions. */
export class ChangedInstances {
  constructor(
    private readonly databases: Databases,
    private readonly shortSpan = SHORT_SPAN,
  ) {}

  /**
   * Identities in their order, at least those that were touched.
   * @param budget is told of each identity; whoever walks leaves when it is spent
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async *walk(question: ChangesQuestion, budget: LookBudget): AsyncGenerator<MaybeChanged> {
    const isShort = question.to - question.from <= this.shortSpan;
    for (let { after } = question; ;) {
      const here = { ...question, after };
      const step = await (isShort
        ? this.rows<IdentityRow>(touchedIdentities(here, IDENTITIES_STEP))
        : this.rows<IdentityRow>(visitedIdentities(here, IDENTITIES_STEP), { settings: PAST_SETTINGS }));
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
    const rows = await this.rows<TwoStates>(statesOf(identities, question), { settings: PAST_SETTINGS });
    return rows.map(({ before, after }) => ({ before: normalized(before), after: normalized(after) }));
  }

  private async rows<Row>({ text, parameters }: Statement, options?: ReadOptions): Promise<Row[]> {
    return await read(this.databases, em => query<Row>(em, text, parameters), options);
  }
}

const normalized = (state: InstanceRecord | null): InstanceRecord | null => state && normalizeRecord(state);
