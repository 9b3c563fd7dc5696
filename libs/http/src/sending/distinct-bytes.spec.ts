import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DistinctBytes, memoryOf } from './distinct-bytes.js';
import { SharedBody } from './shared-body.js';

describe('DistinctBytes', () => {
  it('has the bytes of the union of all memory that was added and not removed, whatever the order', () => {
    const buffers = [1, 20, 300, 4_000].map(bytes => new ArrayBuffer(bytes));
    const someMemory = fc.subarray(buffers, { minLength: 0 }).map(chosen => new Set(chosen));
    const someSteps = fc.array(fc.record({ memory: someMemory, removed: fc.option(fc.nat()) }), { maxLength: 30 });
    fc.assert(
      fc.property(someSteps, steps => {
        const distinct = new DistinctBytes();
        const model: ReadonlySet<ArrayBuffer>[] = [];
        const union = () => new Set(model.flatMap(memory => [...memory]));
        const bytes = () => [...union()].reduce((sum, { byteLength }) => sum + byteLength, 0);
        for (const { memory, removed } of steps) {
          if (removed !== null && model.length > 0) {
            distinct.remove(model.splice(removed % model.length, 1)[0]!);
          } else {
            const before = bytes();
            const added = distinct.addedBy(memory);
            distinct.add(memory);
            model.push(memory);
            expect(added).toBe(bytes() - before);
          }
          expect(distinct.byteLength).toBe(bytes());
          expect(distinct.isEmpty).toBe(union().size === 0);
        }
      }),
    );
  });

  it('counts the whole memory of a piece once, though several pieces of a body lie in it', () => {
    const whole = Buffer.from(new ArrayBuffer(1_000));
    const body = new SharedBody([whole.subarray(0, 10), whole.subarray(500)]);
    const distinct = new DistinctBytes();
    distinct.add(memoryOf(body));
    distinct.add(memoryOf(new SharedBody([whole.subarray(1)])));
    expect(distinct.byteLength).toBe(1_000);
    distinct.remove(memoryOf(body));
    expect(distinct.byteLength, 'the other body still refers to the memory').toBe(1_000);
  });
});
