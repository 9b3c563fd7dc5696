import { type Databases, read } from '@coordination/database';
import { type CatalogView } from '@coordination/discovery';
import { InstanceNotFoundError } from '@coordination/kernel';
import {
  identityKey,
  type InstanceRecord,
  type LeaseRenewals,
  mayHeal,
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
   * @throws InstanceNotFoundError when it must register again; StartingError or StaleViewError when this cannot be told
   */
  async renew(target: Target): Promise<HeartbeatPosition> {
    this.tools.view.assertReadable();
    const record = this.peek(target) ?? (await this.lookUp(target));
    if (!record || this.tools.renewals.isGone(record.id)) throw new InstanceNotFoundError(nameOf(target));
    if (mayHeal(record)) return await this.tools.registry.heartbeat({ id: record.id });
    this.tools.renewals.renew(record.id);
    return this.position();
  }

  /** Renews many leases; ids that are not registered are told. */
  async renewMany(ids: readonly string[]): Promise<BulkRenewal> {
    const { view, renewals, registry } = this.tools;
    view.assertReadable();
    const distinct = [...new Set(ids)];
    const strangers = distinct.filter(id => !view.find(id));
    const registeredElsewhere = strangers.length > 0 ? await this.existing(strangers) : new Set<string>();
    const isKnown = (id: string) =>
      (view.find(id) !== undefined || registeredElsewhere.has(id)) && !renewals.isGone(id);
    const [known, notFound] = partition(distinct, isKnown);
    const healing: string[] = [];
    for (const id of known) {
      const record = view.find(id);
      // What another node registered a moment ago may wait for its first heartbeat to become healthy.
      if (!record || mayHeal(record)) healing.push(id);
      else renewals.renew(id);
    }
    if (healing.length === 0) return { renewed: known.length, notFound, ...this.position() };
    const { gone, revision, epoch } = await registry.heartbeatMany(healing);
    return { renewed: known.length - gone.length, notFound: [...notFound, ...gone], revision, epoch };
  }

  private peek(target: Target): InstanceRecord | undefined {
    return 'id' in target ? this.tools.view.find(target.id) : this.tools.view.findByIdentity(target.identity);
  }

  /** An instance that the view does not have may have been registered through another node a moment ago. */
  private async lookUp(target: Target): Promise<InstanceRecord | undefined> {
    const { databases, instances } = this.tools;
    const leased = await read(databases, em => instances.find(em, target), { purpose: 'leases' });
    return leased?.instance;
  }

  private async existing(ids: readonly string[]): Promise<Set<string>> {
    const { databases, instances } = this.tools;
    return await read(databases, em => instances.existing(em, ids), { purpose: 'leases' });
  }

  private position(): HeartbeatPosition {
    const { revision, epoch } = this.tools.view.freshness();
    return { revision, epoch };
  }
}

const nameOf = (target: Target): string => ('id' in target ? `id ${target.id}` : identityKey(target.identity));

function partition<T>(values: readonly T[], belongs: (value: T) => boolean): [T[], T[]] {
  const inside: T[] = [];
  const outside: T[] = [];
  for (const value of values) (belongs(value) ? inside : outside).push(value);
  return [inside, outside];
}
