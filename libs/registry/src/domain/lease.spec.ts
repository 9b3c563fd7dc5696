import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Check } from './instance.js';
import { expiresAt } from './lease.js';

const withTtl = (ttlSeconds: number | null): Check => ({ kind: 'none', ttlSeconds, deregisterAfterSeconds: 900 });

const leaseOf = (renewedAt: string) => ({ renewedAt, checkedAt: null });

describe('A lease', () => {
  it('ends its TTL after the last renewal', () => {
    expect(expiresAt(leaseOf('2026-01-01T00:00:00.500Z'), withTtl(30))).toBe('2026-01-01T00:00:30.500Z');
  });

  it('without a TTL never ends', () => {
    expect(expiresAt(leaseOf('2026-01-01T00:00:00.000Z'), withTtl(null))).toBeNull();
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
