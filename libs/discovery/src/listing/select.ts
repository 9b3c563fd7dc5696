import { type InstanceRecord, type Status } from '@coordination/catalog';
import { type Turn } from '@coordination/scheduling';
import { patternMeter } from '../selection/pattern-meter.js';
import { matcherBesideStatus, type Selection, statusTest } from '../selection/selection.js';
import { countStatuses, type StatusCounts } from '../summary/service-summary.js';

/** How many instances are tested before the time is looked at. */
const BETWEEN_LOOKS = 16;

/** The instances of a service that a list shows. */
export interface Selected {
  /** Of all instances that are selected apart from their status. */
  readonly counts: StatusCounts;
  /** In the order in which they were given. */
  readonly records: readonly InstanceRecord[];
}

/**
 * Selects instances in one go.
 * @throws InvalidFilterError for patterns that are too costly for so many instances
 */
export function selectNow(instances: readonly InstanceRecord[], selection: Selection): Selected {
  const matches = matcherBesideStatus(selection, patternMeter());
  const hasStatus = statusTest(selection);
  const matching = instances.filter(matches);
  return {
    counts: countStatuses(matching.map(({ status }) => status)),
    records: matching.filter(({ status }) => hasStatus(status)),
  };
}

/** Does the same in slices of a turn. */
export async function selectInTurns(
  instances: readonly InstanceRecord[],
  selection: Selection,
  turn: Turn,
): Promise<Selected> {
  const matches = matcherBesideStatus(selection, patternMeter());
  const hasStatus = statusTest(selection);
  const statuses: Status[] = [];
  const records: InstanceRecord[] = [];
  for (const [n, record] of instances.entries()) {
    if (n % BETWEEN_LOOKS === 0 && turn.isOver) await turn.next();
    if (!matches(record)) continue;
    statuses.push(record.status);
    if (hasStatus(record.status)) records.push(record);
  }
  return { counts: countStatuses(statuses), records };
}
