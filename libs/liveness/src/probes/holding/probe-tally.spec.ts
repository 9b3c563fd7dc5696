import { beforeEach, describe, expect, it } from 'vitest';
import { ProbeTally } from './probe-tally.js';

const NOW = '2026-11-28T08:00:00.000Z';
const NOW_MS = 500_000;
const before = (ms: number) => new Date(Date.parse(NOW) - ms).toISOString();

let tally: ProbeTally;
beforeEach(() => {
  tally = new ProbeTally();
  for (let n = 0; n < 10; n++) {
    tally.add(`o${n}`, 'default', 'orders');
    tally.succeeded(`o${n}`);
  }
});

const counts = (windowMs = 60_000, allWindowMs = windowMs) =>
  tally.counts({
    now: NOW,
    nowMs: NOW_MS,
    since: { service: () => before(windowMs), all: before(allWindowMs) },
    isPending: id => id === 'o1',
  });

describe('The tally of probes', () => {
  it('counts instances that began to fail within the window, once', () => {
    tally.failed('o1', true, NOW_MS - 30_000);
    tally.failed('o1', true, NOW_MS - 10_000);
    tally.failed('o2', true, NOW_MS - 59_999);
    const { total, services } = counts();
    expect(total).toEqual({ of: 10, expired: 2, pending: 1 });
    expect(services).toEqual([
      { namespace: 'default', service: 'orders', of: 10, expired: 2, pending: 1, expiredInTotalWindow: 2 },
    ]);
    expect(counts(20_000).total, 'the series began before').toMatchObject({ of: 8, expired: 0 });
  });

  it('has a window of its own for all services', () => {
    tally.failed('o1', true, NOW_MS - 30_000);
    const { total, services } = counts(60_000, 10_000);
    expect(total).toMatchObject({ of: 9, expired: 0 });
    expect(services[0]).toMatchObject({ of: 10, expired: 1, expiredInTotalWindow: 0 });
  });

  it('does not count an instance that has failed for long, in either number', () => {
    tally.failed('o1', true, NOW_MS - 3_600_000);
    expect(counts().total).toMatchObject({ of: 9, expired: 0 });
    tally.succeeded('o1');
    tally.failed('o1', true, NOW_MS - 1);
    expect(counts().total).toMatchObject({ of: 10, expired: 1 });
  });

  it('does not count what was never probed, never served, or has an override', () => {
    tally.add('new', 'default', 'orders');
    tally.add('broken', 'default', 'orders');
    tally.failed('broken', false, NOW_MS - 1);
    tally.ignore('o1');
    expect(counts().total).toMatchObject({ of: 9, expired: 0 });
    expect(tally.sizeOf('default', 'orders'), 'a guard is possible before the first probes').toBe(12);
  });

  it('forgets instances, and services without any', () => {
    for (let n = 0; n < 10; n++) tally.delete(`o${n}`);
    tally.delete('o0');
    tally.succeeded('o0');
    expect([tally.size, tally.sizeOf('default', 'orders'), counts().services]).toEqual([0, 0, []]);
  });
});
