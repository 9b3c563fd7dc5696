/**
 * What a node lacked for a probe: an answer of a name server, a file descriptor, memory, a local address or port, the permission
 * of its own packet filter, a route; or its event loop was stalled.
 */
export const NODE_FAULTS = [
  'dns',
  'descriptors',
  'memory',
  'local-address',
  'local-filter',
  'route',
  'stalled',
] as const;
export type NodeFault = (typeof NODE_FAULTS)[number];

/** How a probe failed because of the instance: its answer, no answer in time, or an address that may not be probed. */
export const INSTANCE_FAULTS = ['failure', 'timeout', 'forbidden'] as const;
export type InstanceFault = (typeof INSTANCE_FAULTS)[number];

/** The last probe of an instance, if it did not succeed. It changes without a revision. */
export interface ProbeError {
  /** `node`: the node was not able to probe, which does not count; `instance`: the probe failed. */
  readonly kind: 'node' | 'instance';
  readonly reason: NodeFault | InstanceFault;
  readonly message: string;
  /** The node that probed. */
  readonly node: string | null;
  /** When the probe ended, RFC 3339 in UTC. */
  readonly at: string;
}
