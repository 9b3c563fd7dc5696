/** The time; pure code takes times as arguments instead. An abstract class, so that it is its own injection token. */
export abstract class Clock {
  /** Wall-clock time. It may jump. */
  abstract now(): Date;
  /** Milliseconds of a clock that never jumps and never goes backwards; only differences have a meaning. */
  abstract monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
