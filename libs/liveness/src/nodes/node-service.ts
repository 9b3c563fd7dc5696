import { newId } from '@coordination/kernel';
import { type InstanceIdentity } from '@coordination/catalog';
import { type RegisterCommand, registerCommandFrom } from '@coordination/registry';
import { type NodeAddress } from './node-address.js';

/** Under which name the nodes of this service are in their own catalog. */
export const NODE_NAMESPACE = 'system';
export const NODE_SERVICE = 'platform-coordination';

/** The member of the metadata by which a node says that another one uses its ID. */
export const SHARED_ID = 'sharedNodeId';

/** A node that was killed and does not come back under its name is forgotten after this time (s). */
const DEREGISTER_AFTER_SECONDS = 300;

const MAX_NAME_LENGTH = 200;

/** How much of the incarnation makes a name unique; its end is random, its beginning is the time. */
const SUFFIX_LENGTH = 8;

/** A name that no other process has, for a node whose ID another one uses, too. */
export function uniqueName(nodeId: string): string {
  const suffix = `@${newId().slice(-SUFFIX_LENGTH)}`;
  return `${nodeId.slice(0, MAX_NAME_LENGTH - suffix.length)}${suffix}`;
}

export const nodeIdentity = (instanceId: string): InstanceIdentity => ({
  namespace: NODE_NAMESPACE,
  service: NODE_SERVICE,
  instanceId,
});

/** What a node registers of itself. */
export interface NodeDescription {
  readonly address: NodeAddress;
  readonly version: string;
  /** Seconds without renewal after which others take the node for dead. */
  readonly ttlSeconds: number;
}

/** The registration of a node, under its ID or, where that is shared, under a name of its own. */
export function nodeCommand(node: NodeDescription, instanceId: string, incarnation: string): RegisterCommand {
  const { nodeId, host, port } = node.address;
  return registerCommandFrom({
    ...nodeIdentity(instanceId),
    incarnation,
    host,
    port,
    metadata: { version: node.version, ...(instanceId !== nodeId && { [SHARED_ID]: nodeId }) },
    check: { kind: 'heartbeat', ttlSeconds: node.ttlSeconds, deregisterAfterSeconds: DEREGISTER_AFTER_SECONDS },
  });
}
