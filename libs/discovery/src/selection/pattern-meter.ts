import { InvalidFilterError } from '@coordination/kernel';
import { type Meter } from './pattern.js';

/** Steps that patterns may take for one answer from memory: a second in the worst case, hardly anything in the usual one. */
const MAX_STEPS = 10_000_000;

const TOO_COSTLY = {
  path: '/query/filter',
  message:
    'has patterns that are too costly for as many instances: make them simpler, or put a comparison without a pattern before them with `and`',
};

/**
 * A meter for one answer that is made at once, without letting others have their turn.
 * @throws InvalidFilterError (the meter) when too many steps were taken
 */
export function patternMeter(maxSteps = MAX_STEPS): Meter {
  let left = maxSteps;
  return steps => {
    left -= steps;
    if (left < 0) throw new InvalidFilterError([TOO_COSTLY]);
  };
}
