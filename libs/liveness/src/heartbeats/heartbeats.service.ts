import { type Databases, readSnapshot } from '@coordination/database';
import { type CatalogView, identityKey, type InstanceRecord, isCurrent } from '@coordination/catalog';
import { IncarnationEndedError, InstanceNotFoundError } from '@coordination/kernel';
import {
  idsWithOutcome,
  type LeaseRenewals,
  mayHeal,
  type NamedInstance,
  type RegistryService,
  type ServiceInstanceRepository,
  type Target,
} from '@coordination/registry';

/** Where in the catalog an answer stands: at the change that healed, else as far as this node's view has got. */
export interface HeartbeatPosition {
  readonly revision: number;
  readonly epoch: string | null;
}

/** What became of many heartbeats. */
export interface BulkRenewal extends HeartbeatPosition {
  readonly renewed: number;
  readonly notFound: readonly string[];
  /** Those that another incarnation runs than was named. */
  readonly incarnationEnded: readonly string[];
}

export interface HeartbeatTools {
  readonly view: CatalogView;
  readonly registry: RegistryService;
  readonly renewals: LeaseRenewals;
  readonly databases: Databases;
  readonly instances: ServiceInstanceRepository;
}

/** Takes heartbeats: from memory where nothing but the lease moves, through the log where one heals. */
export class HeartbeatsService {
  constructor(private readonly tools: HeartbeatTools) {}

  /**
   * Renews the lease of one instance.
   * @param incarnation the one that the caller speaks for; undefined: whichever runs
   * @throws InstanceNotFoundError when it must register again; IncarnationEndedError when another process runs under the
   * name; StartingError or StaleViewError when this cannot be told
   */
  async renew(target: Target, incarnation?: string): Promise<HeartbeatPosition> {
    this.tools.view.assertReadable();
    const record = this.peek(target, incarnation) ?? (await this.lookUp(target));
    if (!record) throw new InstanceNotFoundError(nameOf(target));
    if (incarnation !== undefined && incarnation !== record.incarnation) {
      throw new IncarnationEndedError(identityKey(record), incarnation, record);
    }
    if (mayHeal(record)) return await this.tools.registry.heartbeat(target, incarnation);
    this.tools.renewals.renew(record.id, { incarnationNumber: numberFor(record, incarnation) });
    return this.position();
  }

  /** Renews many leases, each named once; those that are not registered, or are run by others, are told. */
  async renewMany(instances: readonly NamedInstance[]): Promise<BulkRenewal> {
    const { view, renewals, registry } = this.tools;
    view.assertReadable();
    const notFound: string[] = [];
    const unseen: NamedInstance[] = [];
    const healing: NamedInstance[] = [];
    for (const instance of instances) {
      const { id, incarnation } = instance;
      const record = view.find(id);
      if (renewals.isGone(id)) notFound.push(id);
      else if (!record || !isCurrent(record, incarnation)) unseen.push(instance);
      else if (mayHeal(record)) healing.push(instance);
      else renewals.renew(id, { incarnationNumber: numberFor(record, incarnation) });
    }
    const incarnationEnded: string[] = [];
    const stored = unseen.length > 0 ? await this.incarnations(unseen) : new Map<string, string | null>();
    for (const instance of unseen) {
      const { id, incarnation } = instance;
      if (!stored.has(id)) notFound.push(id);
      else if (incarnation !== undefined && incarnation !== stored.get(id)) incarnationEnded.push(id);
      // What another node registered a moment ago may wait for its first heartbeat to become healthy.
      else healing.push(instance);
    }
    const result = (rest: HeartbeatPosition): BulkRenewal => ({
      renewed: instances.length - notFound.length - incarnationEnded.length,
      notFound,
      incarnationEnded,
      ...rest,
    });
    if (healing.length === 0) return result(this.position());
    const healed = await registry.heartbeatMany(healing);
    notFound.push(...idsWithOutcome(healing, healed, 'absent'));
    incarnationEnded.push(...idsWithOutcome(healing, healed, 'ended'));
    const { revision, epoch } = healed;
    return result({ revision, epoch });
  }

  /** What the view has, if nothing is known against it. */
  private peek(target: Target, incarnation: string | undefined): InstanceRecord | undefined {
    const { view, renewals } = this.tools;
    const record = 'id' in target ? view.find(target.id) : view.findByIdentity(target.identity);
    return record && isCurrent(record, incarnation) && !renewals.isGone(record.id) ? record : undefined;
  }

  /** What the view does not have may have been registered through another node a moment ago: an instance, an incarnation. */
  private async lookUp(target: Target): Promise<InstanceRecord | undefined> {
    const { databases, instances, renewals } = this.tools;
    // Ids do not come back; a name may.
    if ('id' in target && renewals.isGone(target.id)) return undefined;
    const leased = await readSnapshot(databases, em => instances.find(em, target), { purpose: 'leases' });
    return leased?.instance;
  }

  /** The incarnations that run, by id, of those that are there. */
  private async incarnations(named: readonly NamedInstance[]): Promise<ReadonlyMap<string, string | null>> {
    const { databases, instances } = this.tools;
    const ids = named.map(({ id }) => id);
    return await readSnapshot(databases, em => instances.incarnations(em, ids), { purpose: 'leases' });
  }

  private position(): HeartbeatPosition {
    const { revision, epoch } = this.tools.view.freshness();
    return { revision, epoch };
  }
}

const nameOf = (target: Target): string => ('id' in target ? `id ${target.id}` : identityKey(target.identity));

/**
 * The incarnation that a sign of life is for, so that it does not count once the next one has begun; undefined, where the
 * caller names none: it is for whichever runs.
 */
const numberFor = ({ incarnationNumber }: InstanceRecord, incarnation: string | undefined): number | undefined =>
  incarnation === undefined ? undefined : incarnationNumber;
