import { Injectable } from '@nestjs/common';
import { Databases, readStatement } from '@coordination/database';
import { CatalogView, identityKey, type InstanceRecord, isCurrent } from '@coordination/catalog';
import { IncarnationEndedError, InstanceNotFoundError } from '@coordination/kernel';
import { refuseStandby } from '@coordination/log';
import {
  describeTarget,
  idsWithOutcome,
  LeaseRenewals,
  mayHeal,
  type NamedInstance,
  RegistryService,
  ServiceInstanceRepository,
  type Target,
} from '@coordination/registry';

/** The position in the log that a response is about: the change that healed, else the position of this node's view. */
export interface HeartbeatPosition {
  readonly revision: number;
  readonly epoch: string;
}

/** The result of many heartbeats. */
export interface BulkRenewal extends HeartbeatPosition {
  readonly renewed: number;
  readonly notFound: readonly string[];
  /** Instances that run under another incarnation than the caller named. */
  readonly incarnationEnded: readonly string[];
}

/** Takes heartbeats: in memory if only the lease changes, through the log if the heartbeat heals the instance. */
@Injectable()
export class HeartbeatsService {
  constructor(
    private readonly view: CatalogView,
    private readonly registry: RegistryService,
    private readonly renewals: LeaseRenewals,
    private readonly databases: Databases,
    private readonly instances: ServiceInstanceRepository,
  ) {}

  /**
   * Renews the lease of one instance.
   * @param incarnation the incarnation that the caller speaks for; undefined: the present one
   * @throws InstanceNotFoundError when the caller must register again; IncarnationEndedError when another process has
   * registered under the name; StartingError or StaleViewError when this node cannot decide that
   */
  async renew(target: Target, incarnation?: string): Promise<HeartbeatPosition> {
    this.view.assertReadable();
    const record = this.peek(target, incarnation) ?? (await this.lookUp(target));
    if (!record) throw new InstanceNotFoundError(describeTarget(target));
    if (incarnation !== undefined && incarnation !== record.incarnation) {
      throw new IncarnationEndedError(identityKey(record), incarnation, record);
    }
    if (mayHeal(record)) return await this.registry.heartbeat(target, incarnation);
    this.renewals.renew(record.id, { incarnationNumber: numberFor(record, incarnation) });
    return this.position();
  }

  /** Renews many leases; each instance is named once. */
  async renewMany(instances: readonly NamedInstance[]): Promise<BulkRenewal> {
    this.view.assertReadable();
    const { current = [], ...others } = Object.groupBy(instances, named => this.kindOf(named));
    const { gone = [], unseen = [], healable = [] } = others;
    for (const named of current) this.renewSeen(named);
    const { absent = [], ended = [], present = [] } = await this.groupUnseen(unseen);
    const notFound = idsOf([...gone, ...absent]);
    const incarnationEnded = idsOf(ended);
    const result = (position: HeartbeatPosition): BulkRenewal => ({
      renewed: instances.length - notFound.length - incarnationEnded.length,
      notFound,
      incarnationEnded,
      ...position,
    });
    // An instance that another node has just registered may need its first heartbeat to become healthy.
    const toLog = [...healable, ...present];
    if (toLog.length === 0) return result(this.position());
    const written = await this.registry.heartbeatMany(toLog);
    notFound.push(...idsWithOutcome(toLog, written, 'absent'));
    incarnationEnded.push(...idsWithOutcome(toLog, written, 'ended'));
    return result({ revision: written.revision, epoch: written.epoch });
  }

  /** What the view and the known removals say of an instance that a bulk renewal names. */
  private kindOf({ id, incarnation }: NamedInstance): 'gone' | 'unseen' | 'healable' | 'current' {
    if (this.renewals.isGone(id)) return 'gone';
    const record = this.view.find(id);
    if (!record || !isCurrent(record, incarnation)) return 'unseen';
    return mayHeal(record) ? 'healable' : 'current';
  }

  private renewSeen({ id, incarnation }: NamedInstance): void {
    const record = incarnation === undefined ? undefined : this.view.find(id);
    this.renewals.renew(id, { incarnationNumber: record?.incarnationNumber });
  }

  /** Instances that the view does not have under the named incarnation, by what the database has. */
  private async groupUnseen(unseen: readonly NamedInstance[]) {
    const stored = unseen.length > 0 ? await this.readIncarnations(unseen) : new Map<string, string | null>();
    return Object.groupBy(unseen, ({ id, incarnation }) => {
      if (!stored.has(id)) return 'absent';
      return incarnation !== undefined && incarnation !== stored.get(id) ? 'ended' : 'present';
    });
  }

  /** The record in the view, if it is current as far as this node knows. */
  private peek(target: Target, incarnation: string | undefined): InstanceRecord | undefined {
    const { view, renewals } = this;
    const record = 'id' in target ? view.find(target.id) : view.findByIdentity(target.identity);
    return record && isCurrent(record, incarnation) && !renewals.isGone(record.id) ? record : undefined;
  }

  /**
   * Reads an instance that the view does not have: another node may have registered it, or its incarnation, a moment ago.
   * Renewals use the same two connections, so this is one round trip.
   * @throws StoreUnavailableError when the database is a standby, which may lack the latest registrations
   */
  private async lookUp(target: Target): Promise<InstanceRecord | undefined> {
    const { databases, instances, renewals } = this;
    // An id is never used again; a name may be.
    if ('id' in target && renewals.isGone(target.id)) return undefined;
    const read = await readStatement(databases, em => instances.findAtHead(em, target), { purpose: 'leases' });
    refuseStandby(read.inRecovery);
    return read.leased?.instance;
  }

  /**
   * The present incarnations by id, of those instances that are stored.
   * @throws StoreUnavailableError when the database is a standby, which may lack the latest registrations
   */
  private async readIncarnations(named: readonly NamedInstance[]): Promise<ReadonlyMap<string, string | null>> {
    const { databases, instances } = this;
    const read = await readStatement(databases, em => instances.incarnations(em, idsOf(named)), { purpose: 'leases' });
    refuseStandby(read.inRecovery);
    return read.incarnations;
  }

  private position(): HeartbeatPosition {
    const { revision, epoch } = this.view.freshness();
    return { revision, epoch: epoch ?? '' };
  }
}

const idsOf = (named: readonly NamedInstance[]): string[] => named.map(({ id }) => id);

/**
 * The number of the incarnation that a heartbeat is for, so that it does not count after the next one has begun; undefined, if
 * the caller names none: then it is for the present one.
 */
const numberFor = ({ incarnationNumber }: InstanceRecord, incarnation: string | undefined): number | undefined =>
  incarnation === undefined ? undefined : incarnationNumber;
