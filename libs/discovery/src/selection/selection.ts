import { type Status } from '@coordination/catalog';
import { evaluator, type FilterSubject } from './evaluate.js';
import { type Expression, leavesOf } from './expression.js';
import { type Meter } from './pattern.js';

/** Which instances are meant; everything in it must hold. Plain JSON, so that its text can name it. */
export interface Selection {
  /** Apart from all else, because a service's list counts all statuses and shows only these. */
  readonly statuses: readonly Status[] | 'any';
  /** What else is asked, by whichever parameter; null: nothing. It may speak of statuses too. */
  readonly where: Expression | null;
}

/** What can be called. Sorted, as statuses in requests are: the same selection, whether it is asked for or not. */
export const USABLE = ['degraded', 'healthy'] as const satisfies readonly Status[];

/** Every instance there is. */
export const EVERYTHING: Selection = { statuses: 'any', where: null };

/** Whether the selection leaves nothing out. */
export const isEverything = (selection: Selection): boolean =>
  selection.statuses === 'any' && !isNarrowedBeyondStatus(selection);

/** Whether the selection asks for more than a status. */
export const isNarrowedBeyondStatus = ({ where }: Selection): boolean => where !== null;

/** Whether a semver range is part of the selection. */
export const hasVersionRange = ({ where }: Selection): boolean =>
  where !== null && leavesOf(where).some(({ kind }) => kind === 'version');

/**
 * Says of instances whether they are selected. Made once, it is cheap to ask, but for patterns.
 * @param meter is told what patterns cost; whoever asks of many instances at once has one
 */
export function matcher(selection: Selection, meter?: Meter): (record: FilterSubject) => boolean {
  const hasStatus = statusTest(selection);
  const matches = matcherBesideStatus(selection, meter);
  return record => hasStatus(record.status) && matches(record);
}

/** Says of instances whether they are selected, whatever the parameter `status` asks. */
export const matcherBesideStatus = (
  { where }: Selection,
  meter: Meter = UNMETERED,
): ((record: FilterSubject) => boolean) => (where === null ? () => true : evaluator(where, meter));

const UNMETERED: Meter = () => undefined;

/** Says of statuses whether they are selected. */
export function statusTest({ statuses }: Selection): (status: Status) => boolean {
  if (statuses === 'any') return () => true;
  const wanted = new Set(statuses);
  return status => wanted.has(status);
}
