import { describe, expect, it } from 'vitest';
import { changesBetween, isBegunByOverride, isEndedByOverride } from './guard-changes.js';
import { ALL, type GuardOverride, type GuardScope, type GuardState } from './guard-state.js';

const ORDERS: GuardScope = { kind: 'service', namespace: 'default', service: 'orders' };
const SINCE = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-01T00:10:00.000Z';

const guard = (differing: Partial<GuardState> = {}): GuardState => ({
  active: true,
  scope: ORDERS,
  phase: 'holding',
  reason: 'service-share',
  detail: null,
  since: SINCE,
  until: LATER,
  wouldExpire: 9,
  of: 10,
  limit: 0.3,
  ...differing,
});

describe('Changes of guards', () => {
  it('are none between equal guards', () => {
    expect(changesBetween([guard()], [guard()])).toEqual({ began: [], ended: [], updated: [] });
  });

  it.each<Partial<GuardState>>([
    { phase: 'releasing' },
    { until: '2026-01-02T00:00:00.000Z' },
    { wouldExpire: 8 },
    { of: 11 },
    { limit: 0.4 },
  ])('are an update for %o', differing => {
    expect(changesBetween([guard()], [guard(differing)])).toEqual({
      began: [],
      ended: [],
      updated: [guard(differing)],
    });
  });

  it.each<Partial<GuardState>>([{ scope: ALL }, { reason: 'operator' }, { since: LATER }])(
    'are an end and a begin for %o',
    differing => {
      expect(changesBetween([guard()], [guard(differing)])).toEqual({
        began: [guard(differing)],
        ended: [guard()],
        updated: [],
      });
    },
  );
});

const override = (differing: Partial<GuardOverride>): GuardOverride => ({
  scope: ORDERS,
  kind: 'end',
  orderedAt: LATER,
  until: LATER,
  reason: null,
  orderedBy: 'ada',
  ...differing,
});

describe('An operator’s override', () => {
  it('explains the end of a guard that an operator ended after it began, also with all others', () => {
    expect(isEndedByOverride(guard(), [])).toBe(false);
    expect(isEndedByOverride(guard(), [override({})])).toBe(true);
    expect(isEndedByOverride(guard(), [override({ scope: ALL })])).toBe(true);
    expect(isEndedByOverride(guard({ since: LATER }), [override({ orderedAt: SINCE })])).toBe(false);
    expect(isEndedByOverride(guard({ scope: ALL }), [override({})])).toBe(false);
  });

  it('explains the begin of a guard that an operator forced, and not its end when its time is over', () => {
    const force = override({ kind: 'force', orderedAt: SINCE });
    expect(isBegunByOverride(guard({ reason: 'operator' }), [force])).toBe(true);
    expect(isBegunByOverride(guard(), [force])).toBe(false);
    expect(isBegunByOverride(guard({ reason: 'operator', since: LATER }), [force])).toBe(false);
    expect(isEndedByOverride(guard({ reason: 'operator' }), [force])).toBe(false);
  });
});
