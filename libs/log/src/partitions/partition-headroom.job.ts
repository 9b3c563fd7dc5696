import { Injectable, Optional } from '@nestjs/common';
import { SchemaGate } from '@coordination/database';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { LOG_PARTITION_SIZE } from './log-partition.js';
import { PartitionHeadroom } from './partition-headroom.js';
import { PartitionMaintenance } from './partition-maintenance.js';

const EVERY_MS = 60_000;
const JITTER = 0.5;

/** Set by tests only. */
interface Pace {
  readonly everyMs?: number;
}

/**
 * Creates the next partition of the log as soon as the newest one is in use, so that no writer has to create it while it
 * holds the lock of the head. A writer still does so when it finds too little headroom.
 */
@Injectable()
export class PartitionHeadroomJob extends PeriodicJob {
  constructor(
    private readonly partitions: PartitionMaintenance,
    private readonly headroom: PartitionHeadroom,
    tasks: BackgroundTasks,
    schema: SchemaGate,
    @Optional() { everyMs = EVERY_MS }: Pace = {},
  ) {
    super({ task: tasks.task('log-partitions'), everyMs, jitter: JITTER, ready: schema.opened });
  }

  protected override async turn(): Promise<void> {
    const { head, revisions } = await this.partitions.measure();
    this.headroom.record(revisions);
    if (revisions >= LOG_PARTITION_SIZE) return;
    await this.partitions.extend(head + 1);
    this.headroom.record((await this.partitions.measure()).revisions);
  }
}
