import { lowerBound } from '@coordination/kernel';

/** A time during which the event loop of this process ran nothing else. */
interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
  /** How long (ms) all stalls were together, up to the end of this one. */
  readonly totalMs: number;
}

/** The stalls of the last time, in their order. */
export class Stalls {
  private readonly recent: Stall[] = [];
  private total = 0;
  private number = 0;

  /** @param keptMs how long a stall is remembered after its end */
  constructor(private readonly keptMs: number) {}

  /** How many there were, ever. */
  get count(): number {
    return this.number;
  }

  /** How long (ms) all of them were together, ever. */
  get totalMs(): number {
    return this.total;
  }

  /** Records a stall that begins after the last one, and ends now. */
  add(fromMs: number, toMs: number): void {
    this.number += 1;
    this.total += toMs - fromMs;
    this.recent.push({ fromMs, toMs, totalMs: this.total });
    const kept = lowerBound(this.recent, stall => stall.toMs < toMs - this.keptMs);
    this.recent.splice(0, kept);
  }

  /** How long (ms) all remembered ones were together since a time. */
  since(ms: number): number {
    const index = lowerBound(this.recent, stall => stall.toMs <= ms);
    const first = this.recent[index];
    if (!first) return 0;
    return this.total - first.totalMs + (first.toMs - Math.max(first.fromMs, ms));
  }
}
