import { type Metrics } from '@coordination/observability';
import { LOG_PARTITION_SIZE } from './log-partition.js';

/** With less room (revisions) than this somebody has to see to it: nobody has made the next partition in all that time. */
const NEARLY_FULL = LOG_PARTITION_SIZE / 10;

/** How much room the log had when it was looked at last. The service may go on long after that, so it is no more than a hint. */
export class PartitionHeadroom {
  private found: number | undefined;

  /** Revisions after the head that have a partition; undefined: not known yet. */
  get revisions(): number | undefined {
    return this.found;
  }

  /** Whether the newest partition is nearly full, and there is no next one. */
  get isNearlyFull(): boolean {
    return this.found !== undefined && this.found < NEARLY_FULL;
  }

  note(revisions: number): void {
    this.found = revisions;
  }
}

/** Tells of the room, for Prometheus. */
export function measurePartitionHeadroom(metrics: Metrics, room: PartitionHeadroom): void {
  metrics.gauge({
    name: 'log_room_revisions',
    help: 'Revisions after the head of the log for which there are partitions; not a number until it was looked at.',
    labelNames: [],
    collect() {
      this.set(room.revisions ?? Number.NaN);
    },
  });
}
