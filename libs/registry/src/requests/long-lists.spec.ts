import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckedItems, longListKeys, longListsIn, newId, toFieldErrors } from '@coordination/kernel';
import { type z } from 'zod';
import { deregisterInstances } from './named-instances.schemas.js';
import { registerBatch, registerInstance } from './registry.schemas.js';

/** Checks a value as the HTTP server does: the items of long lists one by one, and then the whole. */
function checkedOneByOne(schema: z.ZodType, value: unknown) {
  const checked = new CheckedItems();
  let count = 0;
  for (const { itemSchema, items } of longListsIn(longListKeys(schema), value)) {
    for (const item of items) {
      checked.check(itemSchema, item);
      count += 1;
    }
  }
  return { result: checked.checkWhole(schema, value), count };
}

const outcome = ({ success, data, error }: z.ZodSafeParseResult<unknown>) =>
  success ? { data } : { errors: toFieldErrors(error.issues, '/base') };

const registration = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ service: 'orders', host: 'a.example', port: 80 }) },
  fc.record(
    {
      service: fc.constantFrom<unknown>('orders', 'Not A Name', 7, null),
      host: fc.constantFrom<unknown>('a.example', '10.0.0.1', '', '-', undefined),
      port: fc.constantFrom<unknown>(80, 0, 'eighty'),
      metadata: fc.constantFrom<unknown>({ a: { b: 1 } }, { '\u0000': 1 }, []),
      check: fc.constantFrom<unknown>(
        { kind: 'none' },
        { kind: 'ttl', ttlSeconds: 30 },
        { kind: 'ttl' },
        { kind: 'x' },
      ),
      unknown: fc.constant(1),
      __proto__: fc.constant(1),
    },
    { requiredKeys: [] },
  ),
  fc.constantFrom<unknown>(null, 5, 'text', [], undefined),
);

const batch = fc.record(
  {
    instances: fc.oneof(fc.array(registration, { minLength: 16, maxLength: 60 }), fc.constant(7)),
    other: fc.constant(1),
  },
  { requiredKeys: ['instances'] },
);

const named = fc.record(
  {
    ids: fc.array(fc.constantFrom<unknown>(newId(), newId(), 'no id'), { maxLength: 30 }),
    instances: fc.array(
      fc.record(
        { id: fc.constantFrom<unknown>(newId(), newId(), 3), incarnation: fc.constantFrom<unknown>('one', 'two', '') },
        { requiredKeys: ['id'] },
      ),
      { minLength: 16, maxLength: 60 },
    ),
  },
  { requiredKeys: [] },
);

describe('lists whose items are checked one by one', () => {
  it.each([
    ['a batch of registrations', registerBatch, batch],
    ['instances to deregister', deregisterInstances, named],
  ] as const)('have the same output, or the same errors, as %s checked at once', (_, schema, values) => {
    fc.assert(
      fc.property(values, value => {
        const atOnce = outcome(schema.safeParse(structuredClone(value)));
        const oneByOne = outcome(checkedOneByOne(schema, structuredClone(value)).result);
        expect(oneByOne).toEqual(atOnce);
      }),
    );
  });

  it('are checked once only', () => {
    const instances = Array.from({ length: 50 }, () => ({ service: 'orders', host: 'a.example', port: 80 }));
    let reads = 0;
    const counting = instances.map(instance =>
      Object.defineProperty({ ...instance }, 'service', {
        enumerable: true,
        get() {
          reads += 1;
          return 'orders';
        },
      }),
    );
    const readsOfOne = (() => {
      registerInstance.parse(counting[0]);
      const count = reads;
      reads = 0;
      return count;
    })();
    const { result, count } = checkedOneByOne(registerBatch, { instances: counting });
    expect(result.success).toBe(true);
    expect(count).toBe(50);
    expect(reads, 'the check of the whole uses the results').toBe(50 * readsOfOne);
  });

  it('are known as too long before an item is looked at, and short ones need no slices', () => {
    const keys = longListKeys(registerBatch);
    expect(longListsIn(keys, { instances: Array.from({ length: 1_001 }) })).toEqual([]);
    expect(longListsIn(keys, { instances: Array.from({ length: 1_000 }) })).toHaveLength(1);
    for (const value of [{ instances: [] }, { instances: [{}] }, {}, null, 7, [], { instances: 'text' }]) {
      expect(longListsIn(keys, value)).toEqual([]);
    }
    expect(longListKeys(registerInstance)).toEqual([]);
    expect(longListKeys('no schema')).toEqual([]);
  });
});
