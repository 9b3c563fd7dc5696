import { LogCutRepository } from '@coordination/log';
import { Injectable, Optional } from '@nestjs/common';
import { Databases, query, readSnapshot, type ReadOptions } from '@coordination/database';
import {
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceView,
  normalizeRecord,
  toInstanceView,
} from '@coordination/catalog';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Statement } from '../../selection/selection-sql.js';
import { type PastScan } from '../past-scan.js';
import { PAST_SETTINGS } from '../past-sql.js';
import { type ChangesQuery, statesOf, touchedIdentities, visitedIdentities } from './changes-sql.js';
import { type TwoStates } from './instance-difference.js';

/** How many identities a statement scans, and of how many one reads both states, each of up to 33 kB. */
const IDENTITIES_STEP = 1_000;
const STATES_STEP = 100;

/**
 * For spans up to this many revisions, all events of the span are scanned; for longer ones, every instance that ever was is
 * checked for an event in the span. The former costs some 50 ms for each page.
 */
const SHORT_SPAN = 20_000;

/** An identity, and its states at both revisions if an event touched it in between. */
export interface MaybeChanged extends InstanceIdentity {
  readonly states: TwoStates | undefined;
}

/** Two states as the log has them. */
type StoredStates = Readonly<Record<keyof TwoStates, InstanceRecord | null>>;

type IdentityRow = InstanceIdentity & { readonly isTouched: boolean };

/** Finds the instances that events touched between two revisions, with their states at both, in short transactions. */
@Injectable()
export class ChangedInstances {
  constructor(
    private readonly databases: Databases,
    private readonly cuts: LogCutRepository,
    @Optional() private readonly shortSpan = SHORT_SPAN,
  ) {}

  /**
   * Identities in their order, at least those that were touched.
   * @param scan counts each identity; the caller ends the walk when it is spent
   * @throws RevisionCompactedError when the first revision is not retained, or was compacted meanwhile
   * @throws StoreUnavailableError when the database cannot be reached or does not answer in time
   */
  async *walk(span: ChangesQuery, scan: PastScan): AsyncGenerator<MaybeChanged> {
    const isShort = span.to - span.from <= this.shortSpan;
    for (let { after } = span; ;) {
      const here = { ...span, after };
      const reading = isShort
        ? this.rows<IdentityRow>(span, touchedIdentities(here, IDENTITIES_STEP))
        : this.rows<IdentityRow>(span, visitedIdentities(here, IDENTITIES_STEP), { settings: PAST_SETTINGS });
      const step = await scan.turn.waitFor(reading);
      const touched = step.filter(({ isTouched }) => isTouched);
      let known: TwoStates[] = [];
      for (const { isTouched, ...identity } of step) {
        await scan.step();
        if (isTouched && known.length === 0) known = await this.states(touched.splice(0, STATES_STEP), span, scan);
        yield { ...identity, states: isTouched ? known.shift() : undefined };
      }
      after = step.at(-1);
      if (step.length < IDENTITIES_STEP) return;
    }
  }

  private async states(
    identities: readonly InstanceIdentity[],
    span: ChangesQuery,
    scan: PastScan,
  ): Promise<TwoStates[]> {
    const reading = this.rows<StoredStates>(span, statesOf(identities, span), { settings: PAST_SETTINGS });
    const rows = await scan.turn.waitFor(reading);
    return rows.map(({ before, after }) => ({ before: viewOf(before), after: viewOf(after) }));
  }

  private async rows<Row>(
    { from }: Pick<ChangesQuery, 'from'>,
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

const viewOf = (state: InstanceRecord | null): InstanceView | null => state && toInstanceView(normalizeRecord(state));
