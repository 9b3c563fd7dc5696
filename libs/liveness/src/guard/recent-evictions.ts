import { Injectable } from '@nestjs/common';
import { isAhead } from '@coordination/catalog';
import { type LeaseCounts } from './lease-counts.js';

/** The most evictions that are kept; the oldest are dropped first. */
const MAX = 100_000;

interface Eviction {
  readonly namespace: string;
  readonly service: string;
  /** When its lease expired (RFC 3339 in UTC). */
  readonly overAt: string;
}

/** The begin of the windows in which expired leases are counted together. */
export interface CountedSince {
  readonly service: (namespace: string, service: string) => string;
  readonly all: string;
}

/** Instances that this node deregistered so soon after their lease expired that the database has no record of them any more. */
@Injectable()
export class RecentEvictions {
  private list: Eviction[] = [];

  note(evictions: readonly Eviction[]): void {
    this.list = [...this.list, ...evictions].slice(-MAX);
  }

  /** Drops those before any window, and those that have a time in the future, because the clock was set back since. */
  keepBetween(earliest: string, now: string): void {
    if (this.list.length > 0) this.list = this.list.filter(({ overAt }) => overAt > earliest && !isAhead(overAt, now));
  }

  /** The counts, with the evictions added. */
  addTo(counts: LeaseCounts, since: CountedSince): LeaseCounts {
    if (this.list.length === 0) return counts;
    const inTotalWindow = this.list.filter(({ overAt }) => overAt > since.all);
    const services = counts.services.map(count => {
      const { namespace, service } = count;
      const own = this.list.filter(one => one.namespace === namespace && one.service === service);
      const counted = own.filter(({ overAt }) => overAt > since.service(namespace, service)).length;
      return {
        ...count,
        of: count.of + counted,
        expired: count.expired + counted,
        expiredInTotalWindow: count.expiredInTotalWindow + own.filter(({ overAt }) => overAt > since.all).length,
      };
    });
    const { total } = counts;
    return {
      ...counts,
      services,
      total: { ...total, of: total.of + inTotalWindow.length, expired: total.expired + inTotalWindow.length },
    };
  }
}
