import { Inject, Injectable } from '@nestjs/common';
import { identityOf, type InstanceRecord, type LeaseAllowance, type LeasedInstance } from '@coordination/catalog';
import { Databases, isoTime, query, readSnapshot } from '@coordination/database';
import { NodeRoleRepository, type RoleRecord } from '@coordination/leadership';
import { CatalogHeadRepository, type LogHead } from '@coordination/log';
import { ServiceInstanceRepository, type Target } from '@coordination/registry';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type ExpiryRules, expiryRules } from '../guard/guard-rules.js';
import { GuardSet, type GuardState } from '../guard/guard-state.js';
import { LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { effectiveGraces } from '../guard/outage-recovery.js';
import { SWEEPER_ROLE } from '../sweep/sweeper-role.js';

const NOW = `select ${isoTime('statement_timestamp()')} as now`;

/** What the database has about an instance, all of one moment. */
export interface StoredSituation {
  readonly leased: LeasedInstance | undefined;
  readonly head: LogHead;
  readonly sweeper: RoleRecord | undefined;
  /** Over leases. */
  readonly guards: GuardSet;
  /** Those by which nodes hold failures of probes. */
  readonly probeGuards: readonly GuardState[];
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
  readonly allowance: LeaseAllowance;
}

/** Reads from the database what explains the status of an instance. */
@Injectable()
export class SituationReader {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly instances: ServiceInstanceRepository,
    private readonly roles: NodeRoleRepository,
    private readonly guards: LivenessGuardRepository,
    @Inject(expiryRules) private readonly rules: Pick<ExpiryRules, 'flushBoundMs' | 'maxMs'>,
  ) {}

  /** @throws StoreUnavailableError */
  async read(target: Target): Promise<StoredSituation> {
    return await readSnapshot(this.databases, em => this.readIn(em, target));
  }

  /** The instance that has a name now. */
  async holderOf(record: InstanceRecord): Promise<InstanceRecord | undefined> {
    const identity = identityOf(record);
    return (await readSnapshot(this.databases, em => this.instances.find(em, { identity })))?.instance;
  }

  private async readIn(em: EntityManager, target: Target): Promise<StoredSituation> {
    const { flushBoundMs, maxMs } = this.rules;
    const head = await this.heads.read(em);
    const leased = await this.instances.find(em, target);
    const sweeper = await this.roles.find(em, SWEEPER_ROLE);
    const states = await this.guards.findAll(em);
    const [ofLeases, probeGuards] = [false, true].map(ofProbes =>
      states.filter(({ reason }) => (reason === 'probe-failures') === ofProbes),
    ) as [GuardState[], GuardState[]];
    const overrides = await this.guards.findOverrides(em);
    const [row] = await query<{ now: string }>(em, NOW);
    const graces = sweeper ? effectiveGraces(sweeper, overrides) : { recoveringSince: null, stalls: [] };
    const allowance = { flushBoundMs, maxGraceMs: maxMs, ...graces };
    return { head, leased, sweeper, guards: new GuardSet(ofLeases), probeGuards, now: row!.now, allowance };
  }
}
