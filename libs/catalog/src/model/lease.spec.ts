import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Check } from './instance.js';
import { expiresAt, expiryDueAt, type LeaseStall, LONG_STALL_MS } from './lease.js';

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
        const over = expiryDueAt(lease, withTtl(ttl), { flushBoundMs, recoveringSince, maxGraceMs, stalls: [] })!;
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
        stalls: [],
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

const START = Date.parse('2026-01-01T00:00:00.000Z');
const iso = (ms: number): string => new Date(START + ms).toISOString();

/** A stall from one time to another, in ms since the start. */
const stall = (from: number, until: number): LeaseStall => ({ from: iso(from), until: iso(until), ms: until - from });

/** When the end of a lease with a ttl (s) that was renewed at a time counts (ms since the start), with these stalls. */
const dueAt = (renewed: number, ttlSeconds: number, stalls: readonly LeaseStall[], maxGraceMs = 600_000): number =>
  expiryDueAt(leaseOf(iso(renewed)), withTtl(ttlSeconds), {
    flushBoundMs: 0,
    recoveringSince: null,
    maxGraceMs,
    stalls,
  })! - START;

describe('A lease that could not be renewed, because the node that ends leases was stalled', () => {
  it('lasts as much longer as a short stall took', () => {
    expect(dueAt(0, 10, [stall(4_000, 6_500)])).toBe(12_500);
    expect(dueAt(0, 10, [stall(1_000, 2_000), stall(4_000, 6_500)]), 'of two stalls, their sum').toBe(13_500);
  });

  it('gets only what was left of a stall when it was renewed, and nothing of earlier ones', () => {
    expect(dueAt(5_000, 10, [stall(4_000, 6_500)])).toBe(16_500);
    expect(dueAt(6_500, 10, [stall(1_000, 2_000), stall(4_000, 6_500)])).toBe(16_500);
  });

  it('counts only the stalled part of a period in which the event loop ran as well', () => {
    expect(dueAt(0, 10, [{ from: iso(4_000), until: iso(8_000), ms: 700 }])).toBe(10_700);
  });

  it('lasts a whole ttl after a long stall, wherever in the ttl that began', () => {
    for (const began of [0, 1, 5_000, 9_999]) {
      const [until, ttl] = [began + 20_000, 10];
      expect(dueAt(0, ttl, [stall(began, until)])).toBe(until + ttl * 1_000);
    }
    expect(dueAt(0, 30, [stall(5_000, 25_000)]), 'also where the ttl is longer than the stall').toBe(55_000);
    expect(dueAt(0, 3_600, [stall(5_000, 25_000)], 60_000), 'but no more than the longest grace').toBe(3_620_000);
  });

  const someStalls = fc
    .array(fc.record({ awake: fc.integer({ min: 1, max: 20_000 }), ms: fc.integer({ min: 100, max: 60_000 }) }), {
      maxLength: 32,
    })
    .map(parts => {
      let at = 0;
      return parts.map(({ awake, ms }) => {
        at += awake + ms;
        return stall(at - ms, at);
      });
    });

  it('never ends earlier because of a stall, and nobody who renews within a ttl after a long one is ended', () => {
    fc.assert(
      fc.property(
        someStalls,
        fc.integer({ min: 0, max: 60_000 }),
        fc.integer({ min: 1, max: 90 }),
        (all, renewed, ttl) => {
          // The first stall of the lease is a long one.
          const first = all.findIndex(({ until }) => Date.parse(until) - START > renewed);
          const due = dueAt(renewed, ttl, all);
          expect(due).toBeGreaterThanOrEqual(renewed + ttl * 1_000);
          const one = all[first];
          if (!one || one.ms < LONG_STALL_MS || Date.parse(one.from) - START > renewed + ttl * 1_000) return;
          expect(dueAt(renewed, ttl, all.slice(0, first + 1))).toBeGreaterThanOrEqual(
            Math.min(Date.parse(one.until) - START + ttl * 1_000, renewed + 2 * ttl * 1_000 + one.ms),
          );
        },
      ),
    );
  });

  it('ends in bounded time however often the node stalls: after two ttl in which it ran, at the latest', () => {
    fc.assert(
      fc.property(someStalls, fc.integer({ min: 1, max: 90 }), (stalls, ttl) => {
        const stalledMs = stalls.reduce((sum, { ms }) => sum + ms, 0);
        expect(dueAt(0, ttl, stalls)).toBeLessThanOrEqual(2 * ttl * 1_000 + stalledMs);
      }),
    );
  });

  it('ends while the node stalls half of the time', () => {
    for (const ttl of [1, 5, 30]) {
      const stalls: LeaseStall[] = [];
      let now = 0;
      const isOver = () => dueAt(0, ttl, stalls) <= now;
      while (!isOver() && now < 3_600_000) {
        now += 4_000;
        if (isOver()) break;
        stalls.push(stall(now, now + 4_000));
        now += 4_000;
      }
      expect(now).toBeLessThanOrEqual(4 * ttl * 1_000 + 8_000);
    }
  });
});
