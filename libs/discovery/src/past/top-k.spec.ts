import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { TopK } from './top-k.js';

const keyOf = ({ updatedAt, id }: { updatedAt: string; id: string }) => updatedAt + id;

it('The first few by time are those that sorting all of them would put first, whatever the order they come in', () => {
  const someTime = fc.integer({ min: 0, max: 5 }).map(n => `2026-01-01T00:00:0${n}.000Z`);
  const some = fc.record({
    times: fc.array(fc.tuple(someTime, fc.uuid()), { maxLength: 30 }),
    count: fc.integer({ min: 1, max: 12 }),
    order: fc.constantFrom('asc' as const, 'desc' as const),
  });
  fc.assert(
    fc.property(some, ({ times, count, order }) => {
      const records = times.map(([updatedAt, id]) => anInstance({ id, updatedAt }));
      const first = new TopK(order, ({ updatedAt, id }) => [updatedAt, id], count);
      for (const record of records) {
        const { bound } = first;
        if (bound) expect(first.records).toHaveLength(count);
        first.add(record);
      }
      const sorted = records.map(keyOf).sort();
      if (order === 'desc') sorted.reverse();
      expect(first.records.map(keyOf)).toEqual(sorted.slice(0, count));
    }),
  );
});
