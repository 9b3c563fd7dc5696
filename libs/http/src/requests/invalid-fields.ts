import { setImmediate } from 'node:timers/promises';
import { currentRequest, type RequestStore } from '@coordination/context';
import { type FieldError, ValidationFailedError } from '@coordination/kernel';

/** The checks of one request up to now. */
interface Checks {
  /** What each of them found, in the order in which they began. */
  readonly found: (readonly FieldError[])[];
  /** Those that take longer than the current turn of the event loop. */
  readonly running: Set<Promise<unknown>>;
}

const checksOf = new WeakMap<RequestStore, Checks>();

/**
 * Fails the request with everything that is invalid in it. Nest starts the checks of body, query, path and headers together
 * and takes the first failure; so each check adds what it found, lets the others run, and then throws all of it.
 */
export async function rejectInvalid(errors: readonly FieldError[]): Promise<never> {
  const checks = currentChecks();
  checks.found.push(errors);
  return await rejectAll(checks);
}

/**
 * Runs a check that takes longer than a turn of the event loop.
 * @param check resolves with what is invalid
 * @throws ValidationFailedError with everything that is invalid in the request, if anything is in this part
 */
export async function checkAtLength(check: () => Promise<readonly FieldError[]>): Promise<void> {
  const checks = currentChecks();
  const place = checks.found.push([]) - 1;
  const checking = check().then(errors => {
    checks.found[place] = errors;
    return errors.length > 0;
  });
  checks.running.add(checking);
  const isInvalid = await checking.finally(() => checks.running.delete(checking));
  if (isInvalid) await rejectAll(checks);
}

async function rejectAll({ found, running }: Checks): Promise<never> {
  // By the next turn of the loop all checks have begun, and those that take no longer have ended.
  await setImmediate();
  await Promise.allSettled(running);
  throw new ValidationFailedError(found.flat());
}

function currentChecks(): Checks {
  const request = currentRequest();
  const known = request && checksOf.get(request);
  if (known) return known;
  const checks: Checks = { found: [], running: new Set() };
  if (request) checksOf.set(request, checks);
  return checks;
}
