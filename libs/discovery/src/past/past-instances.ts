import { LogCutRepository } from '@coordination/log';
import { type Databases, query, readSnapshot, READ_TIMEOUT_MS } from '@coordination/database';
import { type InstanceIdentity, type InstanceRecord, normalizeRecord } from '@coordination/catalog';
import { type ScanBudget } from '../selection/scan-budget.js';
import { orTooCostly } from '../search/costly-selection.js';
import { addSelection, Conditions } from '../selection/selection-sql.js';
import { matcher, type Selection } from '../selection/selection.js';
import { newestEvent, PAST_SETTINGS, STATE_AS_INSTANCE, type Walk, walkedIdentities, WALKED } from './past-sql.js';

/** How many identities a statement visits; the first one fewer, since the page may be full after it. */
const STEP_MIN = 100;
const STEP_MAX = 1_000;

/** An identity that has a place in the log, and what it was at a revision. */
export interface PastInstance extends InstanceIdentity {
  /** The last revision that touched it, at or before the one in question; null: it was new to the log later. */
  readonly revision: number | null;
  /** As the log has it; null when it was not there, or is not selected. */
  readonly record: InstanceRecord | null;
}

/** What of the past is wanted. */
export interface PastQuestion extends Omit<Walk, 'count'> {
  /** A revision of the log that will not change any more: one at or before its head. */
  readonly at: number;
  readonly selection: Selection;
}

/** What else SQL is to ask of an instance `i`. */
export type MoreConditions = (conditions: Conditions) => void;

const NOTHING_MORE: MoreConditions = () => undefined;

/**
 * Reads what instances were at a revision from the log. The log up to there never changes, so each step has a transaction
 * of its own, and no snapshot stays open; but it may be removed, so each step makes sure that it is there.
 */
export class PastInstances {
  constructor(
    private readonly databases: Databases,
    private readonly statementMs = READ_TIMEOUT_MS,
    private readonly cuts = new LogCutRepository(),
  ) {}

  /**
   * All identities of a scope in their order, read in steps of bounded size: with their instance where it was there and is
   * selected.
   * @param budget is told of each identity; whoever walks leaves when it is spent
   * @param more is asked for each step
   * @throws RevisionCompactedError when the revision is no longer retained, or was removed meanwhile
   * @throws InvalidFilterError for an expression of many comparisons that the database cannot decide in time
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async *walk(question: PastQuestion, budget: ScanBudget, more = NOTHING_MORE): AsyncGenerator<PastInstance> {
    let { after } = question;
    const matches = matcher(question.selection);
    for (let count = STEP_MIN; ; count = Math.min(2 * count, STEP_MAX)) {
      const { text, parameters, isExact } = walkStatement({ ...question, after, count }, more);
      const rows = await orTooCostly(question.selection, () =>
        readSnapshot(
          this.databases,
          async em => {
            await this.cuts.assertRetained(em, question.at);
            return await query<PastInstance>(em, text, parameters);
          },
          { timeoutMs: this.statementMs, settings: PAST_SETTINGS },
        ),
      );
      for (const row of rows) {
        await budget.look();
        yield isExact || !row.record || matches(normalizeRecord(row.record)) ? row : { ...row, record: null };
      }
      if (rows.length < count) return;
      after = rows.at(-1);
    }
  }
}

/** The statement of one step of a walk. If it is not exact, it selects too much. */
export function walkStatement({ at, selection, ...walk }: PastQuestion & Walk, more = NOTHING_MORE) {
  const selected = new Conditions();
  const isExact = addSelection(selected, selection);
  if (walk.scope.namespace === null && walk.scope.service !== null) selected.add('i.service = $', walk.scope.service);
  more(selected);
  const text = `${walkedIdentities(selected, walk, at)}
    select ${WALKED}, s.revision::float8 as revision,
      case when s.after is not null and ${selected.all} then s.after end as record
    from walk ${newestEvent(selected, 's', at)} ${STATE_AS_INSTANCE}
    order by walk.n`;
  return { text, parameters: selected.parameters, isExact };
}
