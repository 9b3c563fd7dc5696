import { canonicalJson } from '@coordination/kernel';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { someLeasedInstance } from '../../../../test/support/laws/arbitraries.js';
import { type StoredRecord, toStored } from '../model/instance-forms.js';
import { canonicalRecord } from './canonical-record.js';

const expectSame = (record: object) => {
  expect(canonicalRecord(record as StoredRecord)).toBe(canonicalJson(record));
};

describe('The canonical text of a record', () => {
  it('is that of its JSON, whatever it has', () => {
    fc.assert(
      fc.property(someLeasedInstance, ({ instance }) => {
        expectSame(instance);
        expectSame(toStored(instance));
      }),
    );
  });

  it.each<[string, object]>([
    ['keys of metadata that JavaScript keeps in another order', { metadata: { 10: 'a', 9: 'b', x: { 2: 1, 1: 2 } } }],
    ['texts with quotes, and with what looks like a surrogate', { metadata: { a: '"\\ud800"', é: '😀' } }],
    ['no key of incarnations', { incarnation: undefined, incarnationNumber: undefined }],
    ['ended incarnations', { endedIncarnations: ['b', 'a'] }],
    ['a property that a later version may have', { added: 1, another: { b: 1, a: 2 } }],
  ])('is that of its JSON, with %s', (_, differing) => {
    expectSame({ ...anInstance(), ...differing });
  });

  it('is that of its JSON, without a property that an earlier version did not have', () => {
    const { weight: _, ...rest } = anInstance();
    expectSame(rest);
    expectSame({ ...rest, load: 1 });
  });

  it('does not exist for a lone surrogate', () => {
    expect(() => canonicalRecord(anInstance({ metadata: { a: '\ud800' } }))).toThrow();
  });
});
