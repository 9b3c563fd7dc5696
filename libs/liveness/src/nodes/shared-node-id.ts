import { type CatalogView, type InstanceRecord } from '@coordination/catalog';
import { liveNodes } from './live-nodes.js';
import { SHARED_ID } from './node-service.js';

/** Another live node that uses the ID of this one. */
export interface NodeOfSameId {
  /** The name that it is registered under. */
  readonly instanceId: string;
  readonly host: string;
  readonly port: number;
}

/**
 * The other live nodes that use an ID, as the view knows them. One of them is registered under the ID, the others under
 * names of their own, and say so in their metadata.
 * @param ownNames the name that this node is registered under, and the one before, which the view may still have
 */
export const othersOfId = (
  view: Pick<CatalogView, 'instancesOf'>,
  nodeId: string,
  ownNames: readonly (string | undefined)[],
): readonly NodeOfSameId[] =>
  liveNodes(view)
    .filter(record => !ownNames.includes(record.instanceId) && usesId(record, nodeId))
    .map(({ instanceId, host, port }) => ({ instanceId, host, port }));

const usesId = ({ instanceId, metadata }: InstanceRecord, nodeId: string): boolean =>
  instanceId === nodeId || metadata[SHARED_ID] === nodeId;

/** What is wrong when there are others, and what to do. */
export function sharedIdMessage(nodeId: string, ownName: string, others: readonly NodeOfSameId[]): string {
  const named = others.map(({ instanceId, host, port }) => `${host}:${port}, registered as ${instanceId}`).join('; ');
  return (
    `The node ID ${nodeId} is used by ${others.length + 1} live nodes: by this one, registered as ${ownName}, and by ${named}. ` +
    'Give each node a PCS_NODE_ID of its own, and restart it.'
  );
}
