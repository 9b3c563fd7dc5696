import { type Status } from '@coordination/catalog';
import { evaluator, type FilterSubject, type Wrap } from './evaluate.js';
import { type Expression, hasPattern } from './expression.js';
import { type Meter } from './pattern.js';

/** Which instances are selected: those that meet both conditions. Plain JSON, so that its text can be a cache key. */
export interface Selection {
  /** Separate, because the list of a service counts all statuses and shows only these. */
  readonly statuses: readonly Status[] | 'any';
  /** All other conditions; null: none. They may test the status, too. */
  readonly where: Expression | null;
}

/** Statuses that may be called. Sorted like those of requests, so that the default equals the explicit selection. */
export const USABLE = ['degraded', 'healthy'] as const satisfies readonly Status[];

/** All instances. */
export const EVERYTHING: Selection = { statuses: 'any', where: null };

/** Whether the selection contains all instances. */
export const isEverything = (selection: Selection): boolean =>
  selection.statuses === 'any' && !isNarrowedBeyondStatus(selection);

/** Whether the selection has a condition apart from the statuses. */
export const isNarrowedBeyondStatus = ({ where }: Selection): boolean => where !== null;

/** Whether the selection contains a pattern. */
export const isPatterned = ({ where }: Selection): boolean => where !== null && hasPattern(where);

/**
 * A test of instances for the selection, which is cheap apart from patterns.
 * @param meter is called with the cost of patterns; needed for tests of many instances in one go
 * @param wrap see {@link evaluator}
 */
export function matcher(selection: Selection, meter?: Meter, wrap?: Wrap): (record: FilterSubject) => boolean {
  const hasStatus = statusTest(selection);
  const matches = matcherBesideStatus(selection, meter, wrap);
  return record => hasStatus(record.status) && matches(record);
}

/** The same without the statuses of the parameter `status`. */
export const matcherBesideStatus = (
  { where }: Selection,
  meter: Meter = UNMETERED,
  wrap?: Wrap,
): ((record: FilterSubject) => boolean) => (where === null ? () => true : evaluator(where, meter, wrap));

const UNMETERED: Meter = () => undefined;

/** A test of statuses for the selection. */
export function statusTest({ statuses }: Selection): (status: Status) => boolean {
  if (statuses === 'any') return () => true;
  const wanted = new Set(statuses);
  return status => wanted.has(status);
}
