import { type Turn } from '@coordination/scheduling';

/** After how much work the clock is looked at, which costs as much as a test of an instance: some 10 to 100 µs. */
const LOOK_AFTER = 32;

/** How many steps of patterns are as much work as testing one instance; in the worst case, they take 60 µs. */
const STEPS_PER_UNIT = 625;

/** Says when a scan of many instances must let other work run. A unit of work is the test of an instance without patterns. */
export class ScanPace {
  private units = 0;
  private stepsSeen = 0;

  constructor(private readonly turn: Turn) {}

  /**
   * Records work.
   * @param steps how many steps patterns have taken since the scan began
   */
  worked(units: number, steps = 0): void {
    this.units += units + (steps - this.stepsSeen) / STEPS_PER_UNIT;
    this.stepsSeen = steps;
  }

  /** Whether the slice is over. */
  get mustRest(): boolean {
    if (this.units < LOOK_AFTER) return false;
    this.units = 0;
    return this.turn.isOver;
  }
}
