import { setTimeout as delay } from 'node:timers/promises';
import { metricsOf } from '../../support/nodes/metrics.js';
import { waitFor } from '../../support/time/wait-for.js';
import { type Api } from '../../support/http/api.js';
import { ask } from '../harness/bench-postgres.js';

/** Of so many leases one ends: few enough of each service for no guard to hold them. */
const ONE_OF = 50;

const QUIET_SECONDS = 6;
const PATIENCE_MS = 300_000;

/** How long looking for leases that are over takes: when there are none, and when one of fifty is. */
export async function measureSweeps(api: Api, databaseUrl: string): Promise<Record<string, number>> {
  const before = await metricsOf(api);
  await delay(QUIET_SECONDS * 1_000);
  const after = await metricsOf(api);
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const quiet =
    (grown('pcs_lease_sweep_duration_seconds_sum') / grown('pcs_lease_sweep_duration_seconds_count')) * 1_000;

  // After a pause of the store leases last a while longer, and to the sweeper a new database looks like one.
  await ask(databaseUrl, `update node_role set back_since = now() - interval '1 day'`);
  const begun = performance.now();
  const ended = await ask<{ id: string }>(
    databaseUrl,
    `update instance_lease set renewed_at = now() - make_interval(secs => ttl_seconds + 60)
     where instance_id in (
       select id from (select id, row_number() over (order by namespace, service, instance_id) as n from service_instance) i
       where n % ${ONE_OF} = 0)
     returning instance_id as id`,
  );
  await waitFor(
    'all leases that are over have ended',
    async () => {
      const [row] = await ask<{ left: number }>(
        databaseUrl,
        `select count(*)::int as left from instance_lease where instance_id = any($1::uuid[]) and not lapsed`,
        [ended.map(({ id }) => id)],
      );
      return row!.left === 0;
    },
    PATIENCE_MS,
  );
  const whole = performance.now() - begun;
  return {
    'sweep, nothing over ms': quiet,
    'sweep, 2 % over ms': whole,
    'sweep, per lease that ends ms': whole / ended.length,
  };
}
