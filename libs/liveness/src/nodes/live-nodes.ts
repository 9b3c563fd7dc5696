import { type CatalogView, type InstanceRecord, type Status } from '@coordination/catalog';
import { NODE_NAMESPACE, NODE_SERVICE } from './node-service.js';

/** The statuses in which a node takes part. An operator's override excludes a node as it does any other instance. */
const LIVING: ReadonlySet<Status> = new Set(['healthy', 'degraded']);

/**
 * The live nodes in the view of this node, by name. A dead node is live in the view until its lease has been ended, a little
 * after its time to live. All nodes with the same revision have the same live nodes.
 */
export function liveNodes(view: Pick<CatalogView, 'instancesOf'>): InstanceRecord[] {
  return [...view.instancesOf(NODE_NAMESPACE, NODE_SERVICE).values()]
    .filter(({ status }) => LIVING.has(status))
    .toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}
