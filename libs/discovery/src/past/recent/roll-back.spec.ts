import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InstanceRecord } from '@coordination/catalog';
import { anInstance } from '../../../../../test/support/catalog/factories.js';
import { rolledBack } from './roll-back.js';

const someId = fc.constantFrom('a', 'A', 'b', 'ab', 'é', 'z-9', 'z-10');
const byId = (records: Iterable<InstanceRecord>) => [...records].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));

describe('Instances that are rolled back', () => {
  it('are those from which the changes began, whatever changed in between, and keep the objects that did not', () => {
    const change = fc.record({ id: someId, isRemoval: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(someId), fc.array(change, { maxLength: 20 }), (ids, changes) => {
        const first = new Map(ids.map(instanceId => [instanceId, anInstance({ instanceId })]));
        const now = new Map(first);
        const earlier = new Map<string, InstanceRecord | null>();
        for (const { id: instanceId, isRemoval } of changes) {
          if (!earlier.has(instanceId)) earlier.set(instanceId, now.get(instanceId) ?? null);
          if (isRemoval) now.delete(instanceId);
          else now.set(instanceId, anInstance({ instanceId }));
        }
        const back = rolledBack(byId(now.values()), earlier);
        const wanted = byId(first.values());
        expect(back).toHaveLength(wanted.length);
        for (const [n, record] of wanted.entries()) expect(back[n]).toBe(record);
      }),
    );
  });
});
