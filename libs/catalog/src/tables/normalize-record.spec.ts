import { describe, expect, it } from 'vitest';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { type InstanceRecord } from '../model/instance.js';
import { inStoredOrder, type StoredRecord, toInstanceView, toOverrideView, toStored } from '../model/instance-forms.js';
import { afterEvent, normalizeRecord } from './normalize-record.js';

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

const NAMED = { incarnation: 'c', incarnationNumber: 4, endedIncarnations: ['a', 'b'] };
const OLD_OVERRIDE = { status: 'stopped', reason: null, until: null, setAt: NOW, setBy: 'ada' } as const;

/** A record as the version before incarnations wrote it. */
function old(differing: Partial<InstanceRecord> = {}): StoredRecord {
  const { incarnation: _, incarnationNumber: __, ...record } = anInstance(differing);
  return record;
}

describe('A record without incarnations', () => {
  it('is that of the first process, which named none', () => {
    const record = old();
    expect(normalizeRecord(record)).toEqual({ ...record, incarnation: null, incarnationNumber: 1 });
    expect(normalizeRecord({ ...record, endedIncarnations: null })).not.toHaveProperty('endedIncarnations');
    expect(normalizeRecord({ ...record, endedIncarnations: [] })).not.toHaveProperty('endedIncarnations');
  });

  it('is what the log keeps of an instance that has none, and of no other', () => {
    const record = old();
    expect(toStored(normalizeRecord(record))).toEqual(record);
    for (const differing of [NAMED, { incarnation: 'a' }, { incarnationNumber: 2 }]) {
      const named = anInstance(differing);
      expect(normalizeRecord(toStored(named))).toEqual(named);
      expect(toStored(named)).toHaveProperty('incarnationNumber');
    }
  });

  it('leaves what was known of them, as the event of a node of the version before', () => {
    const record = old();
    const before = anInstance({ ...record, ...NAMED });
    expect(afterEvent({ ...record, weight: 7 }, before)).toEqual({ ...before, weight: 7 });
    expect(afterEvent(record, normalizeRecord(record))).toEqual(normalizeRecord(record));
    expect(afterEvent(record, null)).toEqual(normalizeRecord(record));
    const next = { ...NAMED, incarnation: null, incarnationNumber: 5 };
    expect(afterEvent({ ...record, ...next }, before)).toEqual({ ...before, ...next });
  });
});

describe('A record in answers', () => {
  it('does not contain ended incarnations', () => {
    const { endedIncarnations: _, ...told } = anInstance(NAMED);
    expect(toInstanceView(anInstance({ ...told, ...NAMED }))).toStrictEqual(told);
  });

  it('contains the scope of every override, and has one order of keys', () => {
    const record = normalizeRecord(anInstance({ override: OLD_OVERRIDE }));
    const scoped = normalizeRecord({ ...record, override: { ...OLD_OVERRIDE, scope: 'incarnation' } });
    expect(JSON.stringify(toInstanceView(record))).toBe(JSON.stringify(scoped));
    expect(toInstanceView(scoped), 'most are told as they are').toBe(scoped);
    expect(toOverrideView(null)).toBeNull();
    expect(toOverrideView({ ...OLD_OVERRIDE, status: 'maintenance' })?.scope).toBe('instance');
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
