import { Inject, Injectable } from '@nestjs/common';
import { type CatalogChange, CatalogView, EVERYWHERE, type FeedFollower } from '@coordination/catalog';
import { liveNodes } from '../../nodes/live-nodes.js';
import { NodeRegistration } from '../../nodes/node-registration.job.js';
import { NODE_NAMESPACE, NODE_SERVICE } from '../../nodes/node-service.js';
import { isProbedRecord, type ProbedRecord } from '../probed-record.js';
import { ProbeScheduler } from '../schedule/probe-scheduler.js';
import { type HashNode, ownerOf, placeOf } from './rendezvous.js';

interface Shared {
  readonly place: number;
  owner: string | undefined;
}

/**
 * Which node probes which instance, by the view of this node. Nodes agree without communication, because they have the same
 * catalog. While they have different revisions of it, two nodes, or none, may probe an instance for a moment.
 */
@Injectable()
export class ProbeShares implements FeedFollower {
  private readonly shared = new Map<string, Shared>();
  private readonly counts = new Map<string, number>();
  private nodes: readonly HashNode[] = [];
  private own: string | undefined;

  constructor(
    private readonly view: CatalogView,
    @Inject(ProbeScheduler) private readonly scheduler: Pick<ProbeScheduler, 'take' | 'drop'>,
    @Inject(NodeRegistration) private readonly self: Pick<NodeRegistration, 'nodeId'>,
  ) {}

  /** Instances that are probed, by any node. */
  get size(): number {
    return this.shared.size;
  }

  /** Names of the nodes that probe, in order. */
  get nodeIds(): readonly string[] {
    return this.nodes.map(({ nodeId }) => nodeId);
  }

  /** How many instances a node probes. */
  ownedBy(nodeId: string): number {
    return this.counts.get(nodeId) ?? 0;
  }

  /** The node that probes an instance; undefined: no node does, or its check is not a probe. */
  nodeOf(id: string): string | undefined {
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

  /** Distributes all instances again, as the view has them now. */
  rebuild(): void {
    this.nodes = this.liveNodes();
    this.own = this.self.nodeId;
    const records = new Map<string, ProbedRecord>();
    for (const record of this.view.instancesIn(EVERYWHERE)) if (isProbedRecord(record)) records.set(record.id, record);
    for (const id of this.shared.keys()) if (!records.has(id)) this.forget(id);
    for (const record of records.values()) this.place(record);
  }

  /** Determines the live nodes; distributes all instances again if they changed, or if this node has got another name. */
  refresh(): void {
    const [live, own] = [this.liveNodes(), this.self.nodeId];
    const isSame =
      own === this.own &&
      live.length === this.nodes.length &&
      live.every(({ nodeId }, n) => nodeId === this.nodes[n]?.nodeId);
    if (!isSame) this.rebuild();
  }

  private liveNodes(): HashNode[] {
    return liveNodes(this.view).map(({ instanceId }) => ({ nodeId: instanceId, place: placeOf(instanceId) }));
  }

  private place(record: ProbedRecord): void {
    const { scheduler } = this;
    const known = this.shared.get(record.id);
    const place = known?.place ?? placeOf(record.id);
    const owner = ownerOf(place, this.nodes);
    if (owner !== known?.owner) {
      this.count(known?.owner, -1);
      this.count(owner, 1);
    }
    if (known) known.owner = owner;
    else this.shared.set(record.id, { place, owner });
    if (owner !== undefined && owner === this.own) scheduler.take(record);
    else scheduler.drop(record.id);
  }

  private forget(id: string): void {
    this.count(this.shared.get(id)?.owner, -1);
    this.shared.delete(id);
    this.scheduler.drop(id);
  }

  private count(nodeId: string | undefined, difference: number): void {
    if (nodeId === undefined) return;
    const count = this.ownedBy(nodeId) + difference;
    if (count === 0) this.counts.delete(nodeId);
    else this.counts.set(nodeId, count);
  }
}
