import { setTimeout as delay } from 'node:timers/promises';
import { type Metrics } from '@coordination/observability';
import { type Databases } from '../connections/databases.js';
import { query } from './query.js';

/** How long (ms) a scrape waits for the database; after that the age is unknown. */
const PATIENCE_MS = 1_000;

/** Sessions of other roles show themselves to members of `pg_monitor` only. */
const OLDEST_SNAPSHOT = `
  select greatest(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 as seconds
  from pg_stat_activity where backend_xmin is not null and datname = current_database()`;

/**
 * Tells how old the oldest open snapshot is. As long as one is open, dead versions of the log's head cannot be cleared
 * away, and every batch takes longer.
 */
export function watchOldestSnapshot(metrics: Metrics, databases: Databases): void {
  metrics.gauge({
    name: 'database_oldest_snapshot_seconds',
    help: 'Age of the oldest open snapshot in the database; not a number where it cannot be told.',
    async collect() {
      const asked = query<{ seconds: number }>(databases.em('reads'), OLDEST_SNAPSHOT).then(
        ([row]) => row?.seconds ?? Number.NaN,
        () => Number.NaN,
      );
      this.set(await Promise.race([asked, delay(PATIENCE_MS, Number.NaN, { ref: false })]));
    },
  });
}
