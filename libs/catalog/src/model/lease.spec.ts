import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Check } from './instance.js';
import { expiresAt, expiryDueAt } from './lease.js';

const withTtl = (ttlSeconds: number | null): Check => ({ kind: 'none', ttlSeconds, deregisterAfterSeconds: 900 });

const leaseOf = (renewedAt: string) => ({ renewedAt, checkedAt: null });

describe('A lease', () => {
  it('ends its TTL after the last renewal', () => {
    expect(expiresAt(leaseOf('2026-01-01T00:00:00.500Z'), withTtl(30))).toBe('2026-01-01T00:00:30.500Z');
  });

  it('without a TTL never ends', () => {
    expect(expiresAt(leaseOf('2026-01-01T00:00:00.000Z'), withTtl(null))).toBeNull();
  });

  it('is due never before its end, and exactly the flush bound after it without an outage', () => {
    const times = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
    const ttls = fc.integer({ min: 1, max: 86_400 });
    const bounds = fc.integer({ min: 0, max: 60_000 });
    fc.assert(
      fc.property(times, ttls, bounds, fc.option(times), bounds, (renewal, ttl, flushBoundMs, back, maxGraceMs) => {
        const lease = leaseOf(renewal.toISOString());
        const end = Date.parse(expiresAt(lease, withTtl(ttl))!);
        const recoveringSince = back?.toISOString() ?? null;
        const over = expiryDueAt(lease, withTtl(ttl), { flushBoundMs, recoveringSince, maxGraceMs })!;
        expect(over).toBeGreaterThanOrEqual(end + flushBoundMs);
        if (!back || back.getTime() + maxGraceMs <= end) expect(over).toBe(end + flushBoundMs);
        else
          expect(over).toBeLessThanOrEqual(
            back.getTime() + Math.min(ttl * 1_000, maxGraceMs) + Math.max(0, end - back.getTime()) + flushBoundMs,
          );
      }),
    );
    expect(
      expiryDueAt(leaseOf('2026-01-01T00:00:00.000Z'), withTtl(null), {
        flushBoundMs: 0,
        recoveringSince: null,
        maxGraceMs: 0,
      }),
    ).toBeNull();
  });

  it('lasts the TTL once, never twice, however often it is renewed', () => {
    const times = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(fc.array(times, { minLength: 1 }), fc.integer({ min: 1, max: 86_400 }), (renewals, ttl) => {
        for (const renewal of renewals) {
          const end = expiresAt(leaseOf(renewal.toISOString()), withTtl(ttl));
          expect(Date.parse(end!) - renewal.getTime()).toBe(ttl * 1_000);
        }
      }),
    );
  });
});
