import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo, type QueueEntry } from './fifo.js';

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), item: fc.nat() }),
  // One of those that were added, which may have left the queue already.
  fc.record({ do: fc.constant('delete' as const), item: fc.nat() }),
  fc.record({ do: fc.constant('shift' as const), item: fc.constant(0) }),
);

describe('a queue from which items can be removed', () => {
  it('gives its items in the order in which they came, whatever is added and removed in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const queue = new Fifo<number>();
        const entries: QueueEntry<number>[] = [];
        let expected: QueueEntry<number>[] = [];
        for (const { do: what, item } of steps) {
          if (what === 'shift') {
            expect(queue.shift()).toBe(expected.shift()?.item);
          } else if (what === 'add') {
            const entry = queue.add(item);
            entries.push(entry);
            expected.push(entry);
          } else if (entries.length > 0) {
            const entry = entries[item % entries.length]!;
            expect(queue.delete(entry)).toBe(expected.includes(entry));
            expected = expected.filter(each => each !== entry);
          }
          expect(queue.size).toBe(expected.length);
          expect([...queue]).toEqual(expected.map(({ item }) => item));
        }
      }),
    );
  });

  it('goes on when the item that was given last is removed', () => {
    const queue = new Fifo<number>();
    const entries = [1, 2, 3].map(item => queue.add(item));
    const seen: number[] = [];
    for (const item of queue) {
      seen.push(item);
      queue.delete(entries[item - 1]!);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(queue.size).toBe(0);
  });

  it('keeps nothing of what has left it', () => {
    const queue = new Fifo<number>();
    const first = queue.add(1);
    const second = queue.add(2);
    queue.shift();
    queue.delete(second);
    for (const entry of [first, second])
      expect(entry).toEqual({ item: entry.item, previous: undefined, next: undefined });
  });
});
