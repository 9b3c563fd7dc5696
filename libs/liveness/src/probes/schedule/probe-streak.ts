import { type Health } from '@coordination/catalog';
import { type ProbeVerdict } from '@coordination/registry';
import { type ProbeOutcome } from '../run/probe-outcome.js';

/** How many probes in a row had the same result. Kept in memory, because only a change of state is stored. */
export class ProbeStreak {
  private healthy: boolean;
  private inARow: number;

  /** @param health the stored health: the count continues from the failures that the node before found */
  constructor({ decidedBy, failures }: Health) {
    this.healthy = false;
    this.inARow = decidedBy === 'probe' ? failures : 0;
  }

  /** The verdict of the probes so far with one more. */
  with({ result, output }: ProbeOutcome): ProbeVerdict {
    const healthy = result === 'success';
    this.inARow = healthy === this.healthy ? this.inARow + 1 : 1;
    this.healthy = healthy;
    return { healthy, inARow: this.inARow, output };
  }
}
