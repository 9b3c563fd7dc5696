import { describe, expect, it } from 'vitest';
import { admit, admitted, type Candidate } from './admission.js';
import { ALL, type GuardPhase, type GuardReason, type GuardScope, type GuardState } from './guard-state.js';

const of = (service: string): GuardScope => ({ kind: 'service', namespace: 'default', service });

const guard = (scope: GuardScope, phase: GuardPhase, reason: GuardReason = 'service-share'): GuardState => ({
  active: true,
  scope,
  phase,
  reason,
  detail: null,
  since: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T00:10:00.000Z',
  wouldExpire: 9,
  of: 10,
  limit: 0.3,
});

const candidates: Candidate[] = Array.from({ length: 12 }, (_, n) => ({
  id: String(n),
  namespace: 'default',
  service: ['a', 'b', 'c'][n % 3]!,
}));

/** How many leases of each service are admitted, of four each. */
function pass(states: readonly GuardState[], { released = 2, confirmed = [] as string[] } = {}) {
  const admission = admit({ states, confirmed: new Set(confirmed) }, released);
  const passed = admitted(candidates, admission);
  return Object.fromEntries(['a', 'b', 'c'].map(name => [name, passed.filter(one => one.service === name).length]));
}

describe('The admission', () => {
  it('admits all leases without a guard', () => {
    expect(pass([])).toEqual({ a: 4, b: 4, c: 4 });
  });

  it('admits what the guard of a service does not hold, and the released number', () => {
    expect(pass([guard(of('a'), 'holding')])).toEqual({ a: 0, b: 4, c: 4 });
    expect(pass([guard(of('a'), 'releasing')])).toEqual({ a: 2, b: 4, c: 4 });
  });

  it('admits nothing under the guard over all, or the released number of all services together', () => {
    expect(pass([guard(ALL, 'holding', 'total-share')])).toEqual({ a: 0, b: 0, c: 0 });
    expect(pass([guard(ALL, 'releasing', 'total-share')])).toEqual({ a: 1, b: 1, c: 0 });
  });

  it.each(['store-away', 'node-stalled'] as const)(
    'admits all expired leases under %s, because leases last longer by themselves',
    reason => {
      expect(pass([guard(ALL, 'holding', reason)])).toEqual({ a: 4, b: 4, c: 4 });
    },
  );

  it('admits nothing of a service that releases while the guard over all holds', () => {
    const states = [guard(ALL, 'holding', 'total-share'), guard(of('a'), 'releasing')];
    expect(pass(states)).toEqual({ a: 0, b: 0, c: 0 });
    expect(pass([guard(ALL, 'releasing', 'total-share'), guard(of('a'), 'holding')])).toEqual({ a: 0, b: 1, c: 1 });
  });

  it('admits a service of which an operator has ended the guard, even if the guard over all holds', () => {
    expect(pass([guard(ALL, 'holding', 'total-share')], { confirmed: ['default/b'] })).toEqual({ a: 0, b: 4, c: 0 });
  });

  it('keeps the order, the longest expired first', () => {
    const admission = admit({ states: [guard(of('a'), 'releasing')], confirmed: new Set() }, 1);
    expect(admitted(candidates, admission).map(({ id }) => id)).toEqual([
      '0',
      '1',
      '2',
      '4',
      '5',
      '7',
      '8',
      '10',
      '11',
    ]);
  });
});
