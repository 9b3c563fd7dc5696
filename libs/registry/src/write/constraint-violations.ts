import { isStoreUnavailable } from '@coordination/database';
import { ValidationFailedError } from '@coordination/kernel';

/** SQLSTATE classes of errors that the values cause: data exceptions (22) and integrity constraint violations (23). */
const REFUSAL = /^2[23]...$/;

/** Whether the database refused the values of a statement, and not the statement itself, or because of its own state. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && REFUSAL.test(String((error as NodeJS.ErrnoException).code)) && !isStoreUnavailable(error);

/** The error of the caller whose values the database refused: it names the constraint, and contains no SQL. */
export function constraintViolation(error: unknown): ValidationFailedError {
  const { constraint } = error as { constraint?: string };
  const message =
    constraint === undefined
      ? 'holds a value that the database cannot store'
      : `breaks the rule ${constraint} of the database`;
  return new ValidationFailedError([{ path: '', message }]);
}
