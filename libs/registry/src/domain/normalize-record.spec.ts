import { describe, expect, it } from 'vitest';
import { anInstance, NOW } from '../../../../test/support/factories.js';
import { inStoredOrder, normalizeRecord } from './normalize-record.js';

const OVERRIDE = { status: 'stopped', reason: null, until: NOW, setAt: NOW, setBy: 'ada' } as const;

/** The same object with its own keys the other way round. */
const reversed = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).toReversed()) as T;

describe('A normalized record', () => {
  it.each([null, OVERRIDE])('has one order of keys, whatever it had before (override: %j)', override => {
    const record = anInstance({ override });
    const mixed = reversed({
      ...record,
      health: reversed(record.health),
      override: override && reversed(override),
    });
    const normal = normalizeRecord(mixed);
    expect(normal).toEqual(record);
    expect(JSON.stringify(normal)).toBe(JSON.stringify(normalizeRecord(record)));
    expect(JSON.stringify(normal.override)).toBe(JSON.stringify(override));
  });
});

describe('The order in which jsonb keeps keys', () => {
  it('is by length in bytes, then by bytes, at every level', () => {
    const json = { bb: [{ zz: 1, a: { ü: 1, z: 2, yy: 3 } }], c: null, B: 'x', aa: 7 };
    expect(JSON.stringify(inStoredOrder(json))).toBe(
      '{"B":"x","c":null,"aa":7,"bb":[{"a":{"z":2,"yy":3,"ü":1},"zz":1}]}',
    );
  });
});
