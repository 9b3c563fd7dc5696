import { describe, expect, it } from 'vitest';
import { RecentEvictions } from './recent-evictions.js';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
const NO_EXPIRED = {
  total: { of: 10, expired: 0, pending: 0 },
  services: [{ namespace: 'default', service: 'orders', of: 10, expired: 0, pending: 0, expiredInTotalWindow: 0 }],
  inGrace: 0,
  inGraceUntil: null,
  inStallGrace: 0,
  inStallGraceUntil: null,
};

const eviction = (seconds: number, service = 'orders') => ({ namespace: 'default', service, overAt: at(seconds) });

/** The counts of the service and of all, of evictions since a time. */
function counted(evictions: RecentEvictions, sinceSeconds: number): readonly number[] {
  const since = at(sinceSeconds);
  const { services, total } = evictions.addTo(NO_EXPIRED, { service: () => since, all: since });
  return [services[0]!.expired, total.expired];
}

describe('Recent evictions', () => {
  it('count for their service and for all, since a time', () => {
    const evictions = new RecentEvictions();
    expect(counted(evictions, 0)).toEqual([0, 0]);
    evictions.note([eviction(5), eviction(10), eviction(10, 'pay')]);
    expect(counted(evictions, 0)).toEqual([2, 3]);
    expect(counted(evictions, 5)).toEqual([1, 2]);
  });

  it('are dropped when their time is before all windows', () => {
    const evictions = new RecentEvictions();
    evictions.note([eviction(5), eviction(10)]);
    evictions.keepBetween(at(5), at(60));
    expect(counted(evictions, 0)).toEqual([1, 1]);
  });

  it('are dropped when their time is in the future, because the clock was set back', () => {
    const evictions = new RecentEvictions();
    evictions.note([eviction(10), eviction(3_600), eviction(3_601, 'pay')]);
    evictions.keepBetween(at(0), at(20));
    expect(counted(evictions, 0)).toEqual([1, 1]);
  });
});
