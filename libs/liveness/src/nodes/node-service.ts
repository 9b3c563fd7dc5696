import { newId } from '@coordination/kernel';
import { type InstanceIdentity } from '@coordination/catalog';
import { type RegisterCommand, registerCommandFrom } from '@coordination/registry';
import { type NodeAddress } from './node-address.js';

/** The service under which the nodes are registered in their own catalog. */
export const NODE_NAMESPACE = 'system';
export const NODE_SERVICE = 'platform-coordination';

/** The member of the metadata with the ID of a node that is registered under a unique name, because another node has the ID. */
export const SHARED_ID = 'sharedNodeId';

/** A node that was killed is deregistered after this time (s), unless it registers under its name again. */
const DEREGISTER_AFTER_SECONDS = 300;

const MAX_NAME_LENGTH = 200;

/** How many characters of an id make a name unique. They are its last ones, which are random; the first ones are the time. */
const SUFFIX_LENGTH = 8;

/** A name that no other process has, for a node whose ID another node uses, too. */
export function uniqueName(nodeId: string): string {
  const suffix = `@${newId().slice(-SUFFIX_LENGTH)}`;
  return `${nodeId.slice(0, MAX_NAME_LENGTH - suffix.length)}${suffix}`;
}

export const nodeIdentity = (instanceId: string): InstanceIdentity => ({
  namespace: NODE_NAMESPACE,
  service: NODE_SERVICE,
  instanceId,
});

/** What a node registers about itself. */
export interface NodeDescription {
  readonly address: NodeAddress;
  readonly version: string;
  /** Seconds without a renewal after which other nodes consider the node dead. */
  readonly ttlSeconds: number;
}

/** The registration of a node, under its ID or, if another node has the ID, under a unique name. */
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
