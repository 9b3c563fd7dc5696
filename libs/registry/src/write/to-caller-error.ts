import { isStoreUnavailable } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { isRefusal, constraintViolation } from './constraint-violations.js';

/** What callers are told of a failure that kept a batch from being committed, or from being answered. */
export function toCallerError(error: unknown): unknown {
  if (isRefusal(error)) return constraintViolation(error);
  return isStoreUnavailable(error) && !(error instanceof StoreUnavailableError)
    ? new StoreUnavailableError({ cause: error })
    : error;
}
