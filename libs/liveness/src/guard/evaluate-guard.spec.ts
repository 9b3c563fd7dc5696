import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GuardRules } from './guard-rules.js';
import { ALL, type GuardOverride, type GuardScope, type GuardState, scopeKey } from './guard-state.js';
import { evaluateGuard, type GuardSituation } from './evaluate-guard.js';
import { type LeaseCounts, type ScopeCount, type ServiceCount } from './lease-counts.js';

const RULES: GuardRules = {
  serviceShare: 0.3,
  minInstances: 10,
  totalShare: 0.15,
  totalMinInstances: 50,
  windowMs: 60_000,
  maxMs: 600_000,
  releasePerSecond: 5,
};

const START = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number): string => new Date(START + seconds * 1_000).toISOString();

const ORDERS: GuardScope = { kind: 'service', namespace: 'default', service: 'orders' };
const PAY: GuardScope = { kind: 'service', namespace: 'default', service: 'pay' };

const service = (name: string, expired: number, of: number, pending = expired): ServiceCount => ({
  namespace: 'default',
  service: name,
  of,
  expired,
  pending,
  expiredInTotalWindow: expired,
});

/** Counts of these services, and of others without expired leases. */
const counts = (services: readonly ServiceCount[], others = 0, differing: Partial<LeaseCounts> = {}): LeaseCounts => {
  const sum = (key: keyof ScopeCount) => services.reduce((total, count) => total + count[key], 0);
  const total = { of: sum('of') + others, expired: sum('expired'), pending: sum('pending') };
  const noGrace = { inGrace: 0, inGraceUntil: null, inStallGrace: 0, inStallGraceUntil: null };
  return { total, services, ...noGrace, ...differing };
};

const situation = (seconds: number, differing: Partial<GuardSituation> = {}): GuardSituation => ({
  now: at(seconds),
  rules: RULES,
  states: [],
  overrides: [],
  counts: counts([]),
  recoveringSince: null,
  stalledUntil: null,
  ...differing,
});

const override = (kind: GuardOverride['kind'], scope: GuardScope, from: number, until: number): GuardOverride => ({
  scope,
  kind,
  orderedAt: at(from),
  until: at(until),
  reason: 'because',
  orderedBy: 'ada',
});

const scopesOf = (states: readonly GuardState[]) => states.map(({ scope, phase }) => `${scopeKey(scope)} ${phase}`);

describe('A guard of a service', () => {
  it('begins when more than the share expires, with the counts', () => {
    expect(evaluateGuard(situation(0, { counts: counts([service('orders', 6, 20)], 500) })).states).toEqual([]);
    expect(evaluateGuard(situation(0, { counts: counts([service('orders', 7, 20)], 500) })).states).toEqual([
      {
        active: true,
        scope: ORDERS,
        phase: 'holding',
        reason: 'service-share',
        detail: null,
        since: at(0),
        until: at(600),
        wouldExpire: 7,
        of: 20,
        limit: 0.3,
      },
    ]);
  });

  it('does not begin for few instances', () => {
    expect(evaluateGuard(situation(0, { counts: counts([service('orders', 9, 9)], 500) })).states).toEqual([]);
    expect(evaluateGuard(situation(0, { counts: counts([service('orders', 10, 10)], 500) })).states).toHaveLength(1);
  });

  it('holds only its own service, whose leases do not count for all', () => {
    const several = counts([service('orders', 40, 40), service('pay', 1, 20)], 40);
    expect(scopesOf(evaluateGuard(situation(0, { counts: several })).states)).toEqual(['default/orders holding']);
  });

  const began = evaluateGuard(situation(0, { counts: counts([service('orders', 14, 20)], 500) })).states;

  it('continues with new counts, and ends when leases are renewed again', () => {
    const later = evaluateGuard(
      situation(100, { states: began, counts: counts([service('orders', 8, 20)], 500) }),
    ).states;
    expect(later).toEqual([{ ...began[0], wouldExpire: 8 }]);
    expect(
      evaluateGuard(situation(200, { states: later, counts: counts([service('orders', 6, 20)], 500) })).states,
    ).toEqual([]);
    expect(evaluateGuard(situation(200, { states: later })).states, 'all instances were deregistered').toEqual([]);
  });

  it('releases at the bounded rate when its time is over, until no lease is pending', () => {
    const still = counts([service('orders', 14, 20, 14)], 500);
    expect(scopesOf(evaluateGuard(situation(599.9, { states: began, counts: still })).states)).toEqual([
      'default/orders holding',
    ]);
    const releasing = evaluateGuard(situation(600, { states: began, counts: still })).states;
    expect(scopesOf(releasing)).toEqual(['default/orders releasing']);
    const done = counts([service('orders', 14, 20, 0)], 500);
    expect(evaluateGuard(situation(610, { states: releasing, counts: done })).states).toEqual([]);
  });
});

describe('The guard over all', () => {
  const thin = Array.from({ length: 30 }, (_, n) => service(`s-${n}`, 1, 5));

  it('begins when more than the share of all expires, though no service has a guard', () => {
    expect(scopesOf(evaluateGuard(situation(0, { counts: counts(thin, 50) })).states)).toEqual([]);
    expect(scopesOf(evaluateGuard(situation(0, { counts: counts(thin, 49) })).states)).toEqual(['*/* holding']);
  });

  it('does not begin for few instances', () => {
    const few = counts([service('orders', 9, 9), service('pay', 9, 9)], 31);
    expect(evaluateGuard(situation(0, { counts: few })).states).toEqual([]);
  });

  const away = counts([], 40, { inGrace: 30, inGraceUntil: at(31) });

  it('shows that leases last once more after an outage', () => {
    expect(evaluateGuard(situation(5, { counts: away, recoveringSince: at(0) })).states).toMatchObject([
      { scope: ALL, reason: 'store-away', since: at(0), until: at(31), wouldExpire: 30, of: 40 },
    ]);
    expect(evaluateGuard(situation(5, { counts: away })).states, 'an operator has ended it').toEqual([]);
    expect(
      evaluateGuard(situation(5, { counts: counts([], 40), recoveringSince: at(0) })).states,
      'all have renewed',
    ).toEqual([]);
  });

  const stalled = { inStallGrace: 12, inStallGraceUntil: at(25) };

  it('shows that leases last longer after a stall of the node that ends leases, under a reason of its own', () => {
    const situated = situation(5, { counts: counts([], 40, stalled), stalledUntil: at(3) });
    expect(evaluateGuard(situated).states).toMatchObject([
      { scope: ALL, phase: 'holding', reason: 'node-stalled', since: at(3), until: at(25), wouldExpire: 12, of: 40 },
    ]);
    expect(evaluateGuard({ ...situated, counts: counts([], 40) }).states, 'all have renewed').toEqual([]);
    expect(evaluateGuard({ ...situated, stalledUntil: null }).states, 'an operator has ended it').toEqual([]);
    expect(evaluateGuard({ ...situated, overrides: [override('end', ALL, 4, 64)] }).states).toEqual([]);
  });

  it('shows the outage of the database where there was one as well, and the shares before both', () => {
    const both = counts([], 40, { ...stalled, inGrace: 30, inGraceUntil: at(31) });
    const situated = situation(5, { counts: both, recoveringSince: at(0), stalledUntil: at(3) });
    expect(evaluateGuard(situated).states).toMatchObject([{ reason: 'store-away' }]);
    const many = { ...counts(thin), ...stalled };
    expect(evaluateGuard({ ...situated, counts: many }).states).toMatchObject([{ reason: 'total-share' }]);
  });

  it('does not go on with the time of the report after a stall when leases expire afterwards', () => {
    const told = evaluateGuard(situation(5, { counts: counts([], 40, stalled), stalledUntil: at(3) })).states;
    const after = evaluateGuard(situation(31, { states: told, counts: counts(thin) })).states;
    expect(after).toMatchObject([{ reason: 'total-share', since: at(31), until: at(631) }]);
  });

  it('begins with a time of its own when they expire afterwards', () => {
    const told = evaluateGuard(situation(5, { counts: away, recoveringSince: at(0) })).states;
    const after = evaluateGuard(situation(31, { states: told, counts: counts(thin), recoveringSince: at(0) })).states;
    expect(after).toMatchObject([{ reason: 'total-share', since: at(31), until: at(631) }]);
  });
});

describe('An override', () => {
  const many = counts([service('orders', 14, 20), service('pay', 14, 20)], 500);

  it('that ends a guard prevents that it begins again, for its time', () => {
    const states = evaluateGuard(situation(0, { counts: many })).states;
    expect(states).toHaveLength(2);
    const overrides = [override('end', ORDERS, 10, 70)];
    const { states: after, confirmed } = evaluateGuard(situation(10, { states, counts: many, overrides }));
    expect(scopesOf(after)).toEqual(['default/pay holding']);
    expect([...confirmed]).toEqual(['default/orders']);
    expect(scopesOf(evaluateGuard(situation(69, { states: after, counts: many, overrides })).states)).toEqual([
      'default/pay holding',
    ]);
    expect(evaluateGuard(situation(70, { states: after, counts: many, overrides })).states).toHaveLength(2);
  });

  it('that ends the guard of a service excludes its leases from the count of all', () => {
    const overrides = [override('end', ORDERS, 0, 60)];
    const big = counts([service('orders', 90, 100)], 100);
    expect(evaluateGuard(situation(1, { counts: big, overrides })).states).toEqual([]);
  });

  it('that ends the guard over all ends those of services, and the one after an outage', () => {
    const overrides = [override('end', ALL, 10, 70)];
    const absent = { ...many, inGrace: 5, inGraceUntil: at(100) };
    expect(evaluateGuard(situation(10, { counts: absent, overrides, recoveringSince: at(0) })).states).toEqual([]);
  });

  it('that forces a guard holds until its time, whatever the counts are', () => {
    const overrides = [override('force', PAY, 10, 100)];
    const [state] = evaluateGuard(situation(50, { overrides })).states;
    expect(state).toMatchObject({ scope: PAY, reason: 'operator', detail: 'because', since: at(10), until: at(100) });
    expect(evaluateGuard(situation(100, { overrides, states: [state!] })).states).toEqual([]);
    const releasing = evaluateGuard(situation(100, { overrides, states: [state!], counts: many })).states;
    expect(scopesOf(releasing)).toContain('default/pay releasing');
  });

  it('of a service precedes an earlier one over all, but not a later one', () => {
    const forced = override('force', PAY, 20, 100);
    expect(
      scopesOf(evaluateGuard(situation(30, { overrides: [override('end', ALL, 10, 70), forced] })).states),
    ).toEqual(['default/pay holding']);
    expect(evaluateGuard(situation(30, { overrides: [override('end', ALL, 25, 85), forced] })).states).toEqual([]);
    const endedBeforeHold = evaluateGuard(
      situation(30, { overrides: [override('end', PAY, 10, 70), override('force', ALL, 20, 100)] }),
    );
    expect(endedBeforeHold.confirmed.size, 'the guard over all was forced afterwards').toBe(0);
    const endedAfterHold = evaluateGuard(
      situation(30, { overrides: [override('end', PAY, 25, 70), override('force', ALL, 20, 100)] }),
    );
    expect([...endedAfterHold.confirmed]).toEqual(['default/pay']);
  });
});

const someCount = fc
  .tuple(fc.constantFrom('orders', 'pay', 'ship'), fc.nat(60), fc.nat(60), fc.nat(60))
  .map(([name, alive, expired, pending]) => service(name, expired, alive + expired, Math.min(pending, expired)));
const someCounts = fc
  .tuple(fc.uniqueArray(someCount, { selector: count => count.service }), fc.nat(200))
  .map(([services, others]) => counts(services, others));
const someScope = fc.constantFrom(ALL, ORDERS, PAY);
const someOverrides = fc.uniqueArray(
  fc
    .tuple(fc.constantFrom('force' as const, 'end' as const), someScope, fc.nat(900), fc.nat(300))
    .map(([kind, scope, from, lasts]) => override(kind, scope, from, from + lasts)),
  { selector: ({ scope }) => scopeKey(scope) },
);

describe('In every sequence', () => {
  const steps = fc.array(fc.record({ pause: fc.integer({ min: 1, max: 300 }), counts: someCounts }), { maxLength: 12 });

  it('a guard that holds is explained by its counts or an override, and is bounded in time', () => {
    fc.assert(
      fc.property(steps, someOverrides, (timeline, overrides) => {
        let states: readonly GuardState[] = [];
        let seconds = 0;
        for (const step of timeline) {
          seconds += step.pause;
          const given = overrides.filter(({ orderedAt }) => orderedAt <= at(seconds));
          states = evaluateGuard(situation(seconds, { states, overrides: given, counts: step.counts })).states;
          for (const state of states) {
            const isOrdered = given.some(({ kind, until }) => kind === 'force' && at(seconds) < until);
            if (!isOrdered) expect(state.wouldExpire).toBeGreaterThan(state.limit * state.of);
            if (state.phase === 'holding') expect(at(seconds) < state.until).toBe(true);
            const longest = Date.parse(state.until) - Date.parse(state.since);
            if (state.reason !== 'operator') expect(longest).toBe(RULES.maxMs);
          }
          expect(new Set(states.map(({ scope }) => scopeKey(scope))).size).toBe(states.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a service has a guard exactly if more than the share has expired, without overrides', () => {
    fc.assert(
      fc.property(someCounts, some => {
        const { states } = evaluateGuard(situation(0, { counts: some }));
        const guarded = new Set(states.map(({ scope }) => scopeKey(scope)));
        for (const { service: name, of, expired } of some.services) {
          const isMass = of >= RULES.minInstances && expired > RULES.serviceShare * of;
          expect(guarded.has(`default/${name}`)).toBe(isMass);
        }
      }),
    );
  });

  it('the evaluation is pure', () => {
    fc.assert(
      fc.property(someCounts, someOverrides, fc.nat(1_000), (some, overrides, seconds) => {
        const given = situation(seconds, { counts: some, overrides });
        const copy = structuredClone(given);
        const first = evaluateGuard(given);
        expect(given).toEqual(copy);
        expect(evaluateGuard(copy)).toEqual(first);
      }),
    );
  });
});

describe('A guard that begins in the future, because the clock was set back', () => {
  const before = evaluateGuard(situation(3_600, { counts: counts([service('orders', 14, 20)]) })).states;

  it('begins again, for the usual time, if the counts still exceed the limit', () => {
    const { states } = evaluateGuard(situation(0, { states: before, counts: counts([service('orders', 14, 20)]) }));
    expect(states).toMatchObject([{ phase: 'holding', since: at(0), until: at(600) }]);
  });

  it('ends if they do not', () => {
    expect(evaluateGuard(situation(0, { states: before, counts: counts([service('orders', 6, 20)]) })).states).toEqual(
      [],
    );
  });

  it('continues if the clock decreased by no more than the tolerance', () => {
    const now = new Date(START + 3_599_500).toISOString();
    const { states } = evaluateGuard({
      ...situation(0),
      now,
      states: before,
      counts: counts([service('orders', 14, 20)]),
    });
    expect(states).toMatchObject([{ since: at(3_600) }]);
  });
});
