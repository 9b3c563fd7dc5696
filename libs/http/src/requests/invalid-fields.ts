import { setImmediate } from 'node:timers/promises';
import { currentRequest, type RequestStore } from '@coordination/context';
import { type FieldError, ValidationFailedError } from '@coordination/kernel';

/** The invalid fields that were found so far in each request. */
const found = new WeakMap<RequestStore, FieldError[]>();

/**
 * Fails the request with everything that is invalid in it. Nest starts the checks of body, query, path and headers together
 * and takes the first failure; so each check adds what it found, lets the others run, and then throws all of it.
 */
export async function rejectInvalid(errors: readonly FieldError[]): Promise<never> {
  const request = currentRequest();
  if (!request) throw new ValidationFailedError(errors);
  const all = found.get(request) ?? [];
  found.set(request, all);
  all.push(...errors);
  await setImmediate();
  throw new ValidationFailedError(all);
}
