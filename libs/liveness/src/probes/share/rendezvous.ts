import { hash } from 'node:crypto';

/** Hashes the name of a node or the id of an instance to 32 bits. */
export const placeOf = (name: string): number => hash('sha256', name, 'buffer').readUInt32BE(0);

/** A node among which instances are distributed. */
export interface HashNode {
  readonly nodeId: string;
  readonly place: number;
}

/**
 * The weight of a node for an instance: the finalizer of MurmurHash3, in which any difference of the input changes each bit of
 * the result with a probability of one half. Nodes of all versions must compute the same.
 */
function weightOf(node: number, instance: number): number {
  let mixed = node ^ instance;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85_eb_ca_6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2_b2_ae_35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * The node that an instance belongs to: the one with the highest weight (rendezvous hashing). So a node that leaves only gives
 * away its own instances, and a node that joins only takes those that become its own.
 * @param nodes in the same order on all nodes, which decides between equal weights
 */
export function ownerOf(instance: number, nodes: readonly HashNode[]): string | undefined {
  let [owner, highest] = [undefined as string | undefined, -1];
  for (const { nodeId, place } of nodes) {
    const weight = weightOf(place, instance);
    if (weight > highest) [owner, highest] = [nodeId, weight];
  }
  return owner;
}
