import { isStoreUnavailable } from '@coordination/database';
import { ValidationFailedError } from '@coordination/kernel';

/** SQLSTATE classes that blame the values: data exceptions (22) and integrity constraint violations (23). */
const REFUSAL = /^2[23]...$/;

/** Whether the database refused the values of a statement, and not the statement, its time, or anything for its own state. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && REFUSAL.test(String((error as NodeJS.ErrnoException).code)) && !isStoreUnavailable(error);

/** What the caller is told whose values alone made the database refuse: the rule that they broke, and no SQL. */
export function constraintViolation(error: unknown): ValidationFailedError {
  const { constraint } = error as { constraint?: string };
  const message =
    constraint === undefined
      ? 'holds a value that the database cannot store'
      : `breaks the rule ${constraint} of the database`;
  return new ValidationFailedError([{ path: '', message }]);
}
