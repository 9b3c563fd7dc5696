import { describe, expect, it } from 'vitest';
import { changesBetween, isBegunByOrder, isEndedByOrder } from './guard-changes.js';
import { ALL, type GuardOrder, type GuardScope, type GuardState } from './guard-state.js';

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

describe('What became of guards', () => {
  it('is nothing when they are the same', () => {
    expect(changesBetween([guard()], [guard()])).toEqual({ began: [], ended: [], moved: [] });
  });

  it.each<Partial<GuardState>>([
    { phase: 'releasing' },
    { until: '2026-01-02T00:00:00.000Z' },
    { wouldExpire: 8 },
    { of: 11 },
    { limit: 0.4 },
  ])('is a move when %o', differing => {
    expect(changesBetween([guard()], [guard(differing)])).toEqual({
      began: [],
      ended: [],
      moved: [guard(differing)],
    });
  });

  it.each<Partial<GuardState>>([{ scope: ALL }, { reason: 'operator' }, { since: LATER }])(
    'is an end and a beginning when %o',
    differing => {
      expect(changesBetween([guard()], [guard(differing)])).toEqual({
        began: [guard(differing)],
        ended: [guard()],
        moved: [],
      });
    },
  );
});

const order = (differing: Partial<GuardOrder>): GuardOrder => ({
  scope: ORDERS,
  kind: 'end',
  orderedAt: LATER,
  until: LATER,
  reason: null,
  orderedBy: 'ada',
  ...differing,
});

describe('Ordered', () => {
  it('is the end of a guard that an operator ended after it began, also with all others', () => {
    expect(isEndedByOrder(guard(), [])).toBe(false);
    expect(isEndedByOrder(guard(), [order({})])).toBe(true);
    expect(isEndedByOrder(guard(), [order({ scope: ALL })])).toBe(true);
    expect(isEndedByOrder(guard({ since: LATER }), [order({ orderedAt: SINCE })])).toBe(false);
    expect(isEndedByOrder(guard({ scope: ALL }), [order({})])).toBe(false);
  });

  it('is the beginning of one that an operator wants, and not its end when its time has run out', () => {
    const force = order({ kind: 'force', orderedAt: SINCE });
    expect(isBegunByOrder(guard({ reason: 'operator' }), [force])).toBe(true);
    expect(isBegunByOrder(guard(), [force])).toBe(false);
    expect(isBegunByOrder(guard({ reason: 'operator', since: LATER }), [force])).toBe(false);
    expect(isEndedByOrder(guard({ reason: 'operator' }), [force])).toBe(false);
  });
});
