import { hash } from 'node:crypto';

/** A node, or an instance, as a place in the space of 32 bits in which they meet. */
export const placeOf = (name: string): number => hash('sha256', name, 'buffer').readUInt32BE(0);

/** A node that takes part. */
export interface HashNode {
  readonly nodeId: string;
  readonly place: number;
}

/**
 * How much a node is meant for an instance: the finalizer of MurmurHash3, which turns any difference of its input into a
 * difference of each bit with a probability of one half. All nodes must compute the same, those of other versions too.
 */
function weightOf(node: number, instance: number): number {
  let mixed = node ^ instance;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85_eb_ca_6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2_b2_ae_35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * The node that an instance belongs to: the one with the highest random weight (rendezvous hashing). So each node that
 * goes gives only what was its own to the others, and each that comes takes only what becomes its own.
 * @param contenders in one order on all nodes, which decides between equal weights
 */
export function ownerOf(instance: number, contenders: readonly HashNode[]): string | undefined {
  let [owner, highest] = [undefined as string | undefined, -1];
  for (const { nodeId, place } of contenders) {
    const weight = weightOf(place, instance);
    if (weight > highest) [owner, highest] = [nodeId, weight];
  }
  return owner;
}
