import { LogCutRepository } from '@coordination/log';
import { Injectable, Optional } from '@nestjs/common';
import { Databases, query, readSnapshot, READ_TIMEOUT_MS } from '@coordination/database';
import { type InstanceIdentity, type InstanceRecord, normalizeRecord } from '@coordination/catalog';
import { orTooCostly } from '../search/costly-selection.js';
import { addSelection, Conditions } from '../selection/selection-sql.js';
import { matcher, type Selection } from '../selection/selection.js';
import { type PastScan } from './past-scan.js';
import { newestEvent, PAST_SETTINGS, STATE_AS_INSTANCE, type Walk, walkedIdentities, WALKED } from './past-sql.js';

/**
 * How many identities a statement visits; the first one visits fewer, since they may fill the page. The driver parses so many
 * instances, each of up to 33 kB, without the scheduler.
 */
const STEP_MIN = 100;
const STEP_MAX = 250;

/** An identity that occurs in the log, and its instance at a revision. */
export interface PastInstance extends InstanceIdentity {
  /** The last revision up to the requested one that touched it; null: the log has it only later. */
  readonly revision: number | null;
  /** As the log has it; null when it did not exist, or is not selected. */
  readonly record: InstanceRecord | null;
}

/** Which instances of the past to read. */
export interface PastQuery extends Omit<Walk, 'count'> {
  /** A revision at or before the head of the log, so that it does not change. */
  readonly at: number;
  readonly selection: Selection;
}

/** Adds further SQL conditions on an instance `i`. */
export type MoreConditions = (conditions: Conditions) => void;

const NO_MORE: MoreConditions = () => undefined;

/**
 * Reads instances as they were at a revision from the log. The log up to that revision does not change, so each step uses a
 * transaction of its own, and no snapshot stays open. It may be compacted meanwhile, so each step checks that it is retained.
 */
@Injectable()
export class PastInstances {
  constructor(
    private readonly databases: Databases,
    private readonly cuts: LogCutRepository,
    @Optional() private readonly statementMs = READ_TIMEOUT_MS,
  ) {}

  /**
   * All identities of a scope in their order, with their instance where it existed and is selected; read in steps of bounded
   * size.
   * @param scan counts each identity; the caller ends the walk when it is spent
   * @param more is called for each step
   * @throws RevisionCompactedError when the revision is not retained, or was compacted meanwhile
   * @throws InvalidFilterError for an expression of many comparisons that the database cannot decide in time
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async *walk(pastQuery: PastQuery, scan: PastScan, more = NO_MORE): AsyncGenerator<PastInstance> {
    let { after } = pastQuery;
    const matches = matcher(pastQuery.selection);
    for (let count = STEP_MIN; ; count = Math.min(2 * count, STEP_MAX)) {
      const { text, parameters, isExact } = walkStatement({ ...pastQuery, after, count }, more);
      const reading = orTooCostly(pastQuery.selection, () =>
        readSnapshot(
          this.databases,
          async em => {
            await this.cuts.assertRetained(em, pastQuery.at);
            return await query<PastInstance>(em, text, parameters);
          },
          { timeoutMs: this.statementMs, settings: PAST_SETTINGS },
        ),
      );
      const rows = await scan.turn.waitFor(reading);
      for (const row of rows) {
        await scan.step();
        yield isExact || !row.record || matches(normalizeRecord(row.record)) ? row : { ...row, record: null };
      }
      if (rows.length < count) return;
      after = rows.at(-1);
    }
  }
}

/** The statement of one step of a walk. If it is not exact, it also returns instances that are not selected. */
export function walkStatement({ at, selection, ...walk }: PastQuery & Walk, more = NO_MORE) {
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
