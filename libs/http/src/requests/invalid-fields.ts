import { setImmediate } from 'node:timers/promises';
import { type FieldError, ValidationFailedError } from '@coordination/kernel';
import { type ClsStore, ClsServiceManager } from 'nestjs-cls';

const INVALID_FIELDS = Symbol('invalid fields');

interface Collector extends ClsStore {
  [INVALID_FIELDS]?: FieldError[];
}

/**
 * Fails the request with everything that is wrong with it. Nest starts the checks of body, query, path and headers together
 * and takes the first failure; so each one notes what it found, lets the others run, and then tells it all.
 */
export async function rejectInvalid(errors: readonly FieldError[]): Promise<never> {
  const store: Collector | undefined = ClsServiceManager.getClsService().get();
  if (!store) throw new ValidationFailedError(errors);
  const all = (store[INVALID_FIELDS] ??= []);
  all.push(...errors);
  await setImmediate();
  throw new ValidationFailedError(all);
}
