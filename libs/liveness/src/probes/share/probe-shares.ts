import { type CatalogChange, type CatalogView, type FeedFollower, type InstanceRecord } from '@coordination/catalog';
import { liveNodes } from '../../nodes/live-nodes.js';
import { NODE_NAMESPACE, NODE_SERVICE } from '../../nodes/node-service.js';
import { isProbedRecord, type ProbedRecord } from '../probed-record.js';
import { type HashNode, ownerOf, placeOf } from './rendezvous.js';

/** Who is told which instances are this node's to probe. */
export interface ShareHolder {
  /** It is, or it has changed. */
  take(record: ProbedRecord): void;
  /** It is not, or not any more. */
  drop(id: string): void;
}

interface Shared {
  readonly place: number;
  owner: string | undefined;
}

export interface ProbeSharesParts {
  readonly view: CatalogView;
  readonly holder: ShareHolder;
  /** The name of this node; undefined while it takes no part. */
  readonly ownNodeId: () => string | undefined;
}

/**
 * Which node probes which instance, as far as this node's view of the catalog goes. Nodes agree on it without asking each
 * other, because they know the same catalog; while they have different revisions of it, an instance may be probed by two
 * of them, or by none, for a moment.
 */
export class ProbeShares implements FeedFollower {
  private readonly shared = new Map<string, Shared>();
  private readonly counts = new Map<string, number>();
  private contenders: readonly HashNode[] = [];
  private own: string | undefined;

  constructor(private readonly parts: ProbeSharesParts) {}

  /** Instances that are to be probed, whoever does it. */
  get size(): number {
    return this.shared.size;
  }

  /** Names of the nodes that take part, in order. */
  get nodeIds(): readonly string[] {
    return this.contenders.map(({ nodeId }) => nodeId);
  }

  /** How many instances a node probes. */
  ownedBy(nodeId: string): number {
    return this.counts.get(nodeId) ?? 0;
  }

  /** The node that probes an instance; undefined: none, or it is not to be probed. */
  whoProbes(id: string): string | undefined {
    return this.shared.get(id)?.owner;
  }

  changed({ namespace, service, before, after }: CatalogChange): void {
    if (namespace === NODE_NAMESPACE && service === NODE_SERVICE) this.refresh();
    if (after && isProbedRecord(after)) this.place(after);
    else if (before) this.forget(before.id);
  }

  restarted(): void {
    this.rebuild();
  }

  /** Shares everything out anew, as the view has it now. */
  rebuild(): void {
    this.contenders = this.livingNodes();
    this.own = this.parts.ownNodeId();
    const records = new Map(allProbed(this.parts.view).map(record => [record.id, record]));
    for (const id of this.shared.keys()) if (!records.has(id)) this.forget(id);
    for (const record of records.values()) this.place(record);
  }

  /** Looks which nodes live; shares everything out anew if others do, or if this node has got its name. */
  refresh(): void {
    const [living, own] = [this.livingNodes(), this.parts.ownNodeId()];
    const isSame =
      own === this.own &&
      living.length === this.contenders.length &&
      living.every(({ nodeId }, n) => nodeId === this.contenders[n]?.nodeId);
    if (!isSame) this.rebuild();
  }

  private livingNodes(): HashNode[] {
    return liveNodes(this.parts.view).map(({ instanceId }) => ({ nodeId: instanceId, place: placeOf(instanceId) }));
  }

  private place(record: ProbedRecord): void {
    const { holder } = this.parts;
    const known = this.shared.get(record.id);
    const place = known?.place ?? placeOf(record.id);
    const owner = ownerOf(place, this.contenders);
    if (owner !== known?.owner) {
      this.count(known?.owner, -1);
      this.count(owner, 1);
    }
    if (known) known.owner = owner;
    else this.shared.set(record.id, { place, owner });
    if (owner !== undefined && owner === this.own) holder.take(record);
    else holder.drop(record.id);
  }

  private forget(id: string): void {
    this.count(this.shared.get(id)?.owner, -1);
    this.shared.delete(id);
    this.parts.holder.drop(id);
  }

  private count(nodeId: string | undefined, difference: number): void {
    if (nodeId === undefined) return;
    const count = this.ownedBy(nodeId) + difference;
    if (count === 0) this.counts.delete(nodeId);
    else this.counts.set(nodeId, count);
  }
}

function allProbed(view: CatalogView): ProbedRecord[] {
  const found: ProbedRecord[] = [];
  const look = (record: InstanceRecord) => {
    if (isProbedRecord(record)) found.push(record);
  };
  for (const namespace of view.namespaces().keys()) {
    for (const service of view.services(namespace).keys()) view.instancesOf(namespace, service).forEach(look);
  }
  return found;
}
