import { isStoreUnavailable } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { isRefusal, constraintViolation } from './constraint-violations.js';

/** The error that callers get when a batch cannot be committed or answered. */
export function toCallerError(error: unknown): unknown {
  if (isRefusal(error)) return constraintViolation(error);
  return isStoreUnavailable(error) && !(error instanceof StoreUnavailableError)
    ? new StoreUnavailableError({ cause: error })
    : error;
}
