import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogPartition, headroomAfter } from './log-partition.js';

const partition = (from: number, before: number): LogPartition => ({
  name: `p${from}`,
  from,
  before,
  isDetaching: false,
});

describe('The headroom of the log', () => {
  it('is the rest of the partition of the head, and all partitions that follow without a gap', () => {
    const partitions = [partition(20, 30), partition(0, 10), partition(10, 20), partition(40, 50)];
    expect(headroomAfter(0, partitions)).toBe(29);
    expect(headroomAfter(12, partitions)).toBe(17);
    expect(headroomAfter(28, partitions)).toBe(1);
    expect(headroomAfter(29, partitions), 'partitions after a gap do not count').toBe(0);
    expect(headroomAfter(39, partitions)).toBe(10);
    expect(headroomAfter(49, partitions)).toBe(0);
    expect(headroomAfter(0, [])).toBe(0);
  });

  it('reaches, for any partitions, up to the first revision that none of them holds', () => {
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
        expect(headroomAfter(head, partitions)).toBe(next - 1 - head);
      }),
    );
  });
});
