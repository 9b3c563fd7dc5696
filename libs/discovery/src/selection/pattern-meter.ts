import { InvalidFilterError } from '@coordination/kernel';
import { type Meter } from './pattern.js';

/** Steps that patterns may take for one response from memory: a second in the worst case, usually far less. */
const MAX_STEPS = 10_000_000;

const TOO_COSTLY = {
  path: '/query/filter',
  message:
    'has patterns that are too costly for so many instances: make them simpler, or put a comparison without a pattern before them with `and`',
};

/**
 * A meter for one response that is made in one go, without other work in between.
 * @throws InvalidFilterError (the meter) when too many steps were taken
 */
export function patternMeter(maxSteps = MAX_STEPS): Meter {
  let left = maxSteps;
  return steps => {
    left -= steps;
    if (left < 0) throw new InvalidFilterError([TOO_COSTLY]);
  };
}
