import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newId } from '@coordination/kernel';
import { type HashNode, ownerOf, placeOf } from './rendezvous.js';

const contenders = (names: readonly string[]): HashNode[] =>
  names.toSorted().map(nodeId => ({ nodeId, place: placeOf(nodeId) }));

const someNodes = fc.uniqueArray(fc.stringMatching(/^[a-z0-9:.-]{1,20}$/), { minLength: 1, maxLength: 8 });
const INSTANCES = Array.from({ length: 2_000 }, () => placeOf(newId()));

describe('Rendezvous hashing', () => {
  it('gives each instance to a node, if there is one', () => {
    expect(ownerOf(1, [])).toBeUndefined();
    fc.assert(
      fc.property(someNodes, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (nodes, instance) => {
        expect(nodes).toContain(ownerOf(instance, contenders(nodes)));
      }),
    );
  });

  it('moves only the instances of a node that leaves', () => {
    fc.assert(
      fc.property(someNodes, fc.nat(), (nodes, n) => {
        const gone = nodes[n % nodes.length]!;
        const [before, after] = [contenders(nodes), contenders(nodes.filter(node => node !== gone))];
        for (const instance of INSTANCES.slice(0, 200)) {
          const owner = ownerOf(instance, before);
          if (owner !== gone) expect(ownerOf(instance, after), 'it moved without need').toBe(owner);
        }
      }),
    );
  });

  it.each([['node-a', 'node-b'], ['a:8081', 'b:8081', 'c:8081'], Array.from({ length: 10 }, (_, n) => `pod-${n}`)])(
    'distributes evenly over %s',
    (...nodes) => {
      const counts = new Map<string, number>();
      for (const instance of INSTANCES) {
        const owner = ownerOf(instance, contenders(nodes)) ?? '';
        counts.set(owner, (counts.get(owner) ?? 0) + 1);
      }
      const fair = INSTANCES.length / nodes.length;
      expect(counts.size).toBe(nodes.length);
      // Five standard deviations: ids are random, and this must not fail by chance.
      const spread = 5 * Math.sqrt(fair * (1 - 1 / nodes.length));
      for (const count of counts.values()) expect(Math.abs(count - fair)).toBeLessThan(spread);
    },
  );

  it('is the same on nodes of all versions', () => {
    const nodes = contenders(['a:8081', 'b:8081', 'c:8081']);
    const owners = Array.from({ length: 12 }, (_, n) => ownerOf(placeOf(`instance-${n}`), nodes)?.[0]).join('');
    expect(owners, 'nodes of different versions would not agree').toBe('aabaacaccbbc');
  });
});
