import { setTimeout as delay } from 'node:timers/promises';
import { type Client } from 'pg';
import { type LeaseFindings, type ProbeWindow } from './report.js';

/** How long (ms) after a window a dead instance may take to become unhealthy before its lateness is reported as it is. */
const DEAD_PATIENCE_MS = 15_000;

/** How long (ms) an acknowledged renewal may take to be in the database. */
const FLUSH_PATIENCE_MS = 5_000;

/** How much (ms) the clocks of the prober and of PostgreSQL may differ, which are those of one machine, rounded. */
const CLOCK_TOLERANCE_MS = 50;

const POLL_MS = 250;

/** How the log and the roles are before a window. */
export interface LeaseMark {
  readonly revision: number;
  readonly terms: number;
}

export async function markLeases(client: Client): Promise<LeaseMark> {
  const { rows } = await client.query<LeaseMark>(
    `select (select revision from catalog_head)::float8 as revision,
       (select coalesce(sum(term), 0) from node_role)::float8 as terms`,
  );
  return rows[0]!;
}

/** What became of leases since a mark: of those that were renewed, and of those that ended. */
export async function findLeases(
  client: Client,
  { revision, terms }: LeaseMark,
  acknowledged: ProbeWindow['acknowledged'],
  dying: readonly string[],
): Promise<LeaseFindings> {
  const dead = await deadOf(client, revision, dying);
  const ended = await client.query<{ count: number }>(
    `select count(distinct instance_uuid)::int as count from service_event
     where revision > $1 and actor = 'system:liveness' and instance_uuid = any($2::uuid[])`,
    [revision, Object.keys(acknowledged).filter(id => !dying.includes(id))],
  );
  const guards = await client.query<{ reason: string; count: number }>(
    `select coalesce(after ->> 'reason', reason, 'unknown') as reason, count(*)::int as count from service_event
     where revision > $1 and action = 'liveness.guard_began' group by 1`,
    [revision],
  );
  const now = await markLeases(client);
  return {
    ...dead,
    lost: await lostOf(client, acknowledged),
    ended: ended.rows[0]!.count,
    guards: Object.fromEntries(guards.rows.map(({ reason, count }) => [reason, count])),
    roleMoves: now.terms - terms,
  };
}

interface Death {
  readonly lateMs: number;
  readonly isOpen: boolean;
}

async function deadOf(
  client: Client,
  revision: number,
  dying: readonly string[],
): Promise<Pick<LeaseFindings, 'deadLate' | 'deadOpen'>> {
  if (dying.length === 0) return { deadLate: Number.NaN, deadOpen: 0 };
  const begun = performance.now();
  for (;;) {
    const { rows } = await client.query<Death>(
      `select extract(epoch from coalesce(event.at, clock_timestamp()) - l.renewed_at)::float8 * 1000
           - l.ttl_seconds * 1000 as "lateMs",
         event.at is null as "isOpen"
       from instance_lease l
       left join lateral (
         select at from service_event e
         where e.instance_uuid = l.instance_id and e.revision > $1 and e.actor = 'system:liveness' and l.lapsed
         order by e.revision desc limit 1) event on true
       where l.instance_id = any($2::uuid[])`,
      [revision, dying],
    );
    const deadOpen = rows.filter(({ isOpen }) => isOpen).length;
    if (deadOpen === 0 || performance.now() - begun > DEAD_PATIENCE_MS) {
      return { deadLate: Math.max(...rows.map(({ lateMs }) => lateMs)), deadOpen };
    }
    await delay(POLL_MS);
  }
}

/** Acknowledged renewals that are in no lease, though they had the time to be written. */
async function lostOf(client: Client, acknowledged: ProbeWindow['acknowledged']): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const { rows } = await client.query<{ id: string; renewedAt: number }>(
      `select instance_id as id, extract(epoch from renewed_at)::float8 * 1000 as "renewedAt"
       from instance_lease where instance_id = any($1::uuid[])`,
      [Object.keys(acknowledged)],
    );
    const renewed = new Map(rows.map(({ id, renewedAt }) => [id, renewedAt]));
    const lost = Object.entries(acknowledged).filter(
      ([id, sentAt]) => (renewed.get(id) ?? 0) < sentAt - CLOCK_TOLERANCE_MS,
    ).length;
    if (lost === 0 || performance.now() - begun > FLUSH_PATIENCE_MS) return lost;
    await delay(POLL_MS);
  }
}
