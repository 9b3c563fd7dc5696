import { setTimeout as delay } from 'node:timers/promises';
import { Metrics } from '@coordination/observability';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Databases } from '../connections/databases.js';
import { query } from './query.js';

/** How long (ms) a scrape waits for the database; after that the age is unknown. */
const PATIENCE_MS = 1_000;

/** Sessions of other roles show themselves to members of `pg_monitor` only. */
const OLDEST_SNAPSHOT = `
  select greatest(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 as seconds
  from pg_stat_activity where backend_xmin is not null and datname = current_database()`;

/**
 * Exports the age of the oldest open snapshot. As long as one is open, dead versions of the log's head cannot be cleared
 * away, and every batch takes longer.
 */
@Injectable()
export class SnapshotMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly databases: Databases,
  ) {}

  onModuleInit(): void {
    this.metrics.observedGauge(
      'database_oldest_snapshot_seconds',
      'Age of the oldest open snapshot in the database; NaN where it is unknown.',
      () => this.oldestSeconds(),
    );
  }

  private async oldestSeconds(): Promise<number> {
    const asked = query<{ seconds: number }>(this.databases.em('upkeep'), OLDEST_SNAPSHOT).then(
      ([row]) => row?.seconds ?? Number.NaN,
      () => Number.NaN,
    );
    return await Promise.race([asked, delay(PATIENCE_MS, Number.NaN, { ref: false })]);
  }
}
