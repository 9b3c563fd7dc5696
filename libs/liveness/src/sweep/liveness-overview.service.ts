import { type Databases, isoTime, query, readSnapshot } from '@coordination/database';
import { type NodeRoleRepository, type RoleRecord } from '@coordination/leadership';
import { type GuardState } from '../guard/guard-state.js';
import { type LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { SWEEPER_ROLE } from './sweeper.job.js';

/** How soon (s) a lease ends that counts as ending soon. */
export const SOON_SECONDS = 10;

const COUNT = `
  with lease as (
    select lapsed, renewed_at + make_interval(secs => ttl_seconds) as ends_at from instance_lease
  )
  select ${isoTime('now()')} as at, count(*) filter (where ends_at > now())::int as lasting,
    count(*) filter (where ends_at > now() and ends_at <= now() + make_interval(secs => $1))::int as "endingSoon",
    count(*) filter (where ends_at <= now() and not lapsed)::int as over,
    count(*) filter (where ends_at <= now() and lapsed)::int as lapsed,
    count(*) filter (where ends_at is null)::int as endless
  from lease`;

/** How many leases are in which state. */
export interface LeaseOverview {
  /** They have not ended. */
  readonly lasting: number;
  /** Of those, the ones that end within {@link SOON_SECONDS} unless they are renewed. */
  readonly endingSoon: number;
  /** They have ended, and nothing was done about it yet, or a guard keeps it from being done. */
  readonly over: number;
  /** They have ended, and the instance is unhealthy for it. */
  readonly lapsed: number;
  /** Instances whose lease never ends. */
  readonly endless: number;
}

/** How liveness stands, read from the database at one moment. */
export interface LivenessOverview {
  /** The moment, by the clock of the database. */
  readonly at: string;
  readonly leases: LeaseOverview;
  /** Who ends leases; undefined before anybody ever did. */
  readonly sweeper: RoleRecord | undefined;
  readonly guards: readonly GuardState[];
}

export interface LivenessOverviewTools {
  readonly databases: Databases;
  readonly roles: NodeRoleRepository;
  readonly guards: LivenessGuardRepository;
}

/** Tells how liveness stands. It reads all leases: a tenth of a second for 100,000. */
export class LivenessOverviewReader {
  constructor(private readonly tools: LivenessOverviewTools) {}

  /** @throws StoreUnavailableError */
  async read(): Promise<LivenessOverview> {
    const { databases, roles, guards } = this.tools;
    return await readSnapshot(databases, async em => {
      const [row] = await query<LeaseOverview & { readonly at: string }>(em, COUNT, [SOON_SECONDS]);
      const { at, ...leases } = row!;
      return { at, leases, sweeper: await roles.find(em, SWEEPER_ROLE), guards: await guards.findStates(em) };
    });
  }
}
