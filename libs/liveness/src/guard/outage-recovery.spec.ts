import { describe, expect, it } from 'vitest';
import { ALL, type GuardOverride } from './guard-state.js';
import { effectiveGraces, longStallUntil } from './outage-recovery.js';

const at = (seconds: number): string =>
  new Date(Date.parse('2026-01-01T00:00:00.000Z') + seconds * 1_000).toISOString();
const stall = (from: number, until: number) => ({ from: at(from), until: at(until), ms: (until - from) * 1_000 });

const role = { backSince: at(10), stalls: [stall(20, 40), stall(60, 61)], now: at(100) };

const override = (differing: Partial<GuardOverride>): GuardOverride => ({
  scope: ALL,
  kind: 'end',
  orderedAt: at(50),
  until: at(110),
  reason: null,
  orderedBy: 'ada',
  ...differing,
});

describe('What makes leases last longer', () => {
  it('is the recorded recovery, and the recorded stalls', () => {
    const { backSince: recoveringSince, stalls } = role;
    expect(effectiveGraces(role, [])).toEqual({ recoveringSince, stalls });
    const others = [
      override({ kind: 'force' }),
      override({ scope: { kind: 'service', namespace: 'a', service: 'b' } }),
    ];
    expect(effectiveGraces(role, others)).toEqual({ recoveringSince, stalls });
  });

  it('is ended by an operator for what was before, and not for what comes afterwards', () => {
    expect(effectiveGraces(role, [override({})])).toEqual({ recoveringSince: null, stalls: [stall(60, 61)] });
  });

  it('is no stall in the future, which was recorded before the clock was set back', () => {
    expect(effectiveGraces({ ...role, now: at(45) }, []).stalls).toEqual([stall(20, 40)]);
  });

  it('reports the last stall that was long, and none where all were short', () => {
    expect(longStallUntil(role)).toBe(at(40));
    expect(longStallUntil({ stalls: [stall(60, 61)] })).toBeNull();
  });
});
