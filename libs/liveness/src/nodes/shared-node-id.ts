import { Inject, Injectable } from '@nestjs/common';
import { CatalogView, type InstanceRecord } from '@coordination/catalog';
import { liveNodes } from './live-nodes.js';
import { nodeIdentity, SHARED_ID } from './node-service.js';

/** Another live node that uses the ID of this node. */
export interface NodeOfSameId {
  /** The name that it is registered under. */
  readonly instanceId: string;
  readonly host: string;
  readonly port: number;
}

/** Finds out in the view which nodes use an ID. */
@Injectable()
export class NodesById {
  constructor(@Inject(CatalogView) private readonly view: Pick<CatalogView, 'instancesOf' | 'findByIdentity'>) {}

  /**
   * The other live nodes that use an ID. One of them is registered under the ID, the others under unique names, with the ID in
   * their metadata.
   * @param ownNames the name that this node is registered under, and the one before, which the view may still have
   */
  othersOf(nodeId: string, ownNames: readonly (string | undefined)[]): readonly NodeOfSameId[] {
    return liveNodes(this.view)
      .filter(record => !ownNames.includes(record.instanceId) && usesId(record, nodeId))
      .map(({ instanceId, host, port }) => ({ instanceId, host, port }));
  }

  /** Whether no node is registered under an ID, or the one that is has died. */
  isFree(nodeId: string): boolean {
    const holder = this.view.findByIdentity(nodeIdentity(nodeId));
    return holder === undefined || holder.health.state === 'unhealthy';
  }
}

const usesId = ({ instanceId, metadata }: InstanceRecord, nodeId: string): boolean =>
  instanceId === nodeId || metadata[SHARED_ID] === nodeId;

/** Describes that other nodes use the ID of this node, and what to do. */
export function sharedIdMessage(nodeId: string, ownName: string, others: readonly NodeOfSameId[]): string {
  const named = others.map(({ instanceId, host, port }) => `${host}:${port}, registered as ${instanceId}`).join('; ');
  return (
    `The node ID ${nodeId} is used by ${others.length + 1} live nodes: by this one, registered as ${ownName}, and by ${named}. ` +
    'Give each node a PCS_NODE_ID of its own, and restart it.'
  );
}
