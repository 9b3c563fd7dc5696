import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUDIT_ACTIONS, queryDigest } from '@coordination/log';
import { eventListQuery, verifyQuery } from './audit.schemas.js';
import { filterOf, rangeOf } from './event-selection.js';

const filterFor = (query: Record<string, string | string[]>) => filterOf(eventListQuery.parse(query));

const someTime = fc.date({
  min: new Date('0001-01-02T00:00:00Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
});

describe('The filter of a request', () => {
  it.each([
    ['10.0.3.17', '10.0.3.17/32'],
    ['::ffff:10.0.3.17', '10.0.3.17/32'],
    ['::FFFF:a00:311', '10.0.3.17/32'],
    ['0:0:0:0:0:ffff:10.0.3.17', '10.0.3.17/32'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['2001:DB8:0:0::1', '2001:db8::1/128'],
    ['2001:0db8::/32', '2001:db8::/32'],
  ])('is the same for every spelling of an address: %s', (clientAddress, range) => {
    expect(filterFor({ clientAddress })).toMatchObject({ clientAddress: range });
  });

  it('is the same for any order and any repetition of actions', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...AUDIT_ACTIONS), { minLength: 1, maxLength: 9 }), actions => {
        const set = [...new Set(actions)].sort();
        expect(filterFor({ action: actions }).action).toEqual(set);
        expect(filterFor({ action: actions.toReversed().join(',') }).action).toEqual(set);
        expect(filterFor({ action: [actions.join(','), actions[0]!] }).action).toEqual(set);
      }),
    );
  });

  it('has each parameter as a bound on revision or on time', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), someTime, (revision, time) => {
        const at = time.toISOString();
        const bounds = ['from', 'to', 'afterRevision', 'beforeRevision'].map(name => [
          filterFor({ [name]: String(revision) }),
          filterFor({ [name]: at }),
        ]);
        expect(bounds).toEqual([
          [{ fromRevision: revision }, { from: at }],
          [{ toRevision: revision }, { to: at }],
          [{ afterRevision: revision }, { after: at }],
          [{ beforeRevision: revision }, { before: at }],
        ]);
        const digests = bounds.flat().map(bound => queryDigest(bound, 'asc'));
        expect(new Set(digests).size).toBe(digests.length);
      }),
    );
  });

  it('converts times to UTC', () => {
    const from = '2026-11-23T12:15:30.1239+02:00';
    expect(filterFor({ from })).toEqual({ from: '2026-11-23T10:15:30.123Z' });
    const { from: begin, to: end } = verifyQuery.parse({ from, to: '7' });
    expect(rangeOf(begin, end)).toEqual({ fromTime: '2026-11-23T10:15:30.123Z', to: 7 });
  });

  it('selects all namespaces with *', () => {
    expect(filterFor({ namespace: '*' })).toEqual({});
  });
});
