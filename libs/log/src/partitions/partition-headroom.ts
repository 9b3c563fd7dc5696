import { Injectable } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { LOG_PARTITION_SIZE } from './log-partition.js';

/**
 * Below this many free revisions an operator must act: {@link PartitionHeadroomJob} would have created the next partition
 * long before, and did not.
 */
const NEARLY_FULL = LOG_PARTITION_SIZE / 10;

/**
 * How many revisions after the head had a partition when this node last measured it. Other nodes write meanwhile, so it is
 * an estimate.
 */
@Injectable()
export class PartitionHeadroom {
  private measured: number | undefined;

  constructor(metrics: Metrics) {
    metrics.observedGauge(
      'log_room_revisions',
      'Revisions after the head of the log for which there are partitions; NaN until it was measured.',
      () => this.measured ?? Number.NaN,
    );
  }

  /** Revisions after the head that have a partition; undefined: not measured yet. */
  get revisions(): number | undefined {
    return this.measured;
  }

  /** Whether the newest partition is nearly full, and there is no next one. */
  get isNearlyFull(): boolean {
    return this.measured !== undefined && this.measured < NEARLY_FULL;
  }

  record(revisions: number): void {
    this.measured = revisions;
  }
}
