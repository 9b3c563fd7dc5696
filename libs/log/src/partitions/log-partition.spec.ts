import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogPartition, roomAfter } from './log-partition.js';

const partition = (from: number, before: number): LogPartition => ({
  name: `p${from}`,
  from,
  before,
  isLeaving: false,
});

describe('The room that the log has', () => {
  it('is what is left of the partition of the head, and all of those that follow without a hole', () => {
    const partitions = [partition(20, 30), partition(0, 10), partition(10, 20), partition(40, 50)];
    expect(roomAfter(0, partitions)).toBe(29);
    expect(roomAfter(12, partitions)).toBe(17);
    expect(roomAfter(28, partitions)).toBe(1);
    expect(roomAfter(29, partitions), 'what comes after a hole is no use').toBe(0);
    expect(roomAfter(39, partitions)).toBe(10);
    expect(roomAfter(49, partitions)).toBe(0);
    expect(roomAfter(0, [])).toBe(0);
  });

  it('is, for any partitions, up to the first revision that none of them has', () => {
    const some = fc.record({
      size: fc.integer({ min: 1, max: 5 }),
      slots: fc.uniqueArray(fc.nat(8)),
      head: fc.nat(40),
    });
    fc.assert(
      fc.property(some, ({ size, slots, head }) => {
        const partitions = slots.map(slot => partition(slot * size, (slot + 1) * size));
        let next = head + 1;
        while (partitions.some(({ from, before }) => from <= next && next < before)) next += 1;
        expect(roomAfter(head, partitions)).toBe(next - 1 - head);
      }),
    );
  });
});
