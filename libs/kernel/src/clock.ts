/** Time as the edge gives it; pure code takes times as arguments instead. */
export interface Clock {
  /** Wall-clock time. It may jump. */
  now(): Date;
  /** Milliseconds of a clock that never jumps and never falls; only differences mean something. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
