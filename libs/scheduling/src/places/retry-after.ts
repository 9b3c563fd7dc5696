/** The least range (s) from which callers get their `Retry-After`. */
const LEAST_RANGE_SECONDS = 3;

/** For so many in the line the range grows by one second. */
const WAITERS_PER_SECOND = 20;

/**
 * After how many seconds (whole, from 1) a refused caller should return: chosen at random from a range that grows with the
 * line, so that callers that were refused together do not return together.
 * @param random from 0 up to, but not including, 1
 */
export function retryAfterSeconds(waiting: number, random: number): number {
  const range = LEAST_RANGE_SECONDS + Math.floor(waiting / WAITERS_PER_SECOND);
  return 1 + Math.floor(random * range);
}
