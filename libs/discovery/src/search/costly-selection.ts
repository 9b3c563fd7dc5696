import { InvalidFilterError, StoreUnavailableError } from '@coordination/kernel';
import { leavesOf } from '../selection/expression.js';
import { type Selection } from '../selection/selection.js';

/** PostgreSQL: query_canceled, which is what a statement timeout is. */
const CANCELLED = '57014';

/** Of no more comparisons than this, a timeout is the database's trouble; with more it is that of the question. */
const FAIR_COMPARISONS = 10;

const TOO_COSTLY = {
  path: '/query/filter',
  message: `takes too long to decide for as many instances: use fewer comparisons, or narrow it by a service or an equality`,
};

/**
 * Answers for a question that is too costly to be repeated. Told "unavailable", its caller would send it again and again.
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
