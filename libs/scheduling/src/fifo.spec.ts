import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.js';

const step = fc.oneof(
  fc.record({ do: fc.constantFrom('add' as const, 'delete' as const), item: fc.nat(5) }),
  fc.record({ do: fc.constant('shift' as const), item: fc.constant(0) }),
);

describe('a queue from which items can be removed', () => {
  it('gives its items in the order in which they came, whatever is added and removed in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const queue = new Fifo<number>();
        let expected: number[] = [];
        for (const { do: what, item } of steps) {
          if (what === 'shift') {
            expect(queue.shift()).toBe(expected.shift());
          } else if (what === 'add') {
            queue.add(item);
            if (!expected.includes(item)) expected.push(item);
          } else {
            expect(queue.delete(item)).toBe(expected.includes(item));
            expected = expected.filter(each => each !== item);
          }
          expect(queue.size).toBe(expected.length);
        }
      }),
    );
  });
});
