import { Injectable } from '@nestjs/common';
import { Databases, isoTime, query, readSnapshot } from '@coordination/database';
import { NodeRoleRepository, type RoleRecord } from '@coordination/leadership';
import { type GuardState } from '../guard/guard-state.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { SWEEPER_ROLE } from './sweeper-role.js';

/** A lease that ends within so many seconds counts as ending soon. */
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

/** Counts of leases by state. */
export interface LeaseOverview {
  /** Leases that last. */
  readonly lasting: number;
  /** Of those, the ones that end within {@link SOON_SECONDS} unless they are renewed. */
  readonly endingSoon: number;
  /** Expired leases whose end has not been acted on, possibly because of a guard. */
  readonly over: number;
  /** Expired leases whose instance is unhealthy because of it. */
  readonly lapsed: number;
  /** Instances whose lease never ends. */
  readonly endless: number;
}

/** Leases, sweeper and guards, read from the database at one moment. */
export interface LivenessOverview {
  /** The moment, by the clock of the database. */
  readonly at: string;
  readonly leases: LeaseOverview;
  /** The node that ends leases; undefined: no node has ever done so. */
  readonly sweeper: RoleRecord | undefined;
  readonly guards: readonly GuardState[];
}

/** Reads the liveness overview. It counts all leases: a tenth of a second for 100,000. */
@Injectable()
export class LivenessOverviewReader {
  constructor(
    private readonly databases: Databases,
    private readonly roles: NodeRoleRepository,
    private readonly guards: LivenessGuardRepository,
  ) {}

  /** @throws StoreUnavailableError */
  async read(): Promise<LivenessOverview> {
    const { roles, guards } = this;
    return await readSnapshot(this.databases, async em => {
      const [row] = await query<LeaseOverview & { readonly at: string }>(em, COUNT, [SOON_SECONDS]);
      const { at, ...leases } = row!;
      return { at, leases, sweeper: await roles.find(em, SWEEPER_ROLE), guards: await guards.findAll(em) };
    });
  }
}
