import { InvalidFilterError, StoreUnavailableError } from '@coordination/kernel';
import { leavesOf } from '../selection/expression.js';
import { type Selection } from '../selection/selection.js';

/** PostgreSQL: query_canceled, which is what a statement timeout is. */
const CANCELLED = '57014';

/** With no more comparisons than this, a timeout is a problem of the database; with more, of the filter. */
const FAIR_COMPARISONS = 10;

const TOO_COSTLY = {
  path: '/query/filter',
  message:
    'takes too long to decide for so many instances: use fewer comparisons, or narrow it by a service or an equality',
};

/**
 * Reports a filter that is too costly as an invalid filter, so that clients do not repeat the request as they would after
 * "unavailable".
 * @throws InvalidFilterError when the server ended a statement of many comparisons
 */
export async function orTooCostly<T>(selection: Selection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (wasCancelled(error) && isCostly(selection)) throw new InvalidFilterError([TOO_COSTLY]);
    throw error;
  }
}

const wasCancelled = (error: unknown): boolean =>
  error instanceof StoreUnavailableError &&
  error.cause instanceof Error &&
  (error.cause as NodeJS.ErrnoException).code === CANCELLED;

const isCostly = ({ where }: Selection): boolean => where !== null && leavesOf(where).length > FAIR_COMPARISONS;
