import { type Health } from '@coordination/catalog';
import { type ProbeVerdict } from '@coordination/registry';
import { type ProbeOutcome } from '../run/probe-outcome.js';

/** How many probes in a row said the same; kept in memory, because only a change of state is written down. */
export class ProbeStreak {
  private healthy: boolean;
  private inARow: number;

  /** @param health as it is stored: the failures that the node before had found count on */
  constructor({ decidedBy, failures }: Health) {
    this.healthy = false;
    this.inARow = decidedBy === 'probe' ? failures : 0;
  }

  /** What probes have found with one more. */
  with({ result, output }: ProbeOutcome): ProbeVerdict {
    const healthy = result === 'success';
    this.inARow = healthy === this.healthy ? this.inARow + 1 : 1;
    this.healthy = healthy;
    return { healthy, inARow: this.inARow, output };
  }
}
