import { identityKey } from '@coordination/catalog';
import { ValidationFailedError } from '@coordination/kernel';
import { type RegisterCommand } from './commands.js';

/** @throws ValidationFailedError when registrations of a batch name the same instance; it has an error for each but the first */
export function refuseRepeatedIdentities(commands: readonly RegisterCommand[]): void {
  const first = new Map<string, number>();
  const errors = commands.flatMap(({ identity }, n) => {
    const key = identityKey(identity);
    const before = first.get(key);
    if (before === undefined) first.set(key, n);
    return before === undefined ? [] : [{ path: `/instances/${n}`, message: `is ${key}, as /instances/${before} is` }];
  });
  if (errors.length > 0) throw new ValidationFailedError(errors);
}
