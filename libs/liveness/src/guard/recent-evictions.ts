import { isAhead } from '@coordination/catalog';
import { type LeaseCounts } from './lease-counts.js';

/** The most that is remembered; beyond it the oldest are forgotten. */
const MAX = 100_000;

interface Eviction {
  readonly namespace: string;
  readonly service: string;
  /** When its lease ended (RFC 3339 in UTC). */
  readonly overAt: string;
}

/** Since when leases that ended count together. */
export interface CountedSince {
  readonly service: (namespace: string, service: string) => string;
  readonly all: string;
}

/** Instances that went so soon after their lease had ended that the database knows nothing more of them. */
export class RecentEvictions {
  private list: Eviction[] = [];

  note(evictions: readonly Eviction[]): void {
    this.list = [...this.list, ...evictions].slice(-MAX);
  }

  /** Forgets those before any time that can count, and those that a clock dated which was set back since. */
  keepBetween(earliest: string, now: string): void {
    if (this.list.length > 0) this.list = this.list.filter(({ overAt }) => overAt > earliest && !isAhead(overAt, now));
  }

  /** The counts with those that went. */
  addTo(counts: LeaseCounts, since: CountedSince): LeaseCounts {
    if (this.list.length === 0) return counts;
    const ofAll = this.list.filter(({ overAt }) => overAt > since.all);
    const services = counts.services.map(count => {
      const { namespace, service } = count;
      const own = this.list.filter(one => one.namespace === namespace && one.service === service);
      const counted = own.filter(({ overAt }) => overAt > since.service(namespace, service)).length;
      return {
        ...count,
        of: count.of + counted,
        silent: count.silent + counted,
        silentOfAll: count.silentOfAll + own.filter(({ overAt }) => overAt > since.all).length,
      };
    });
    const { total } = counts;
    return {
      ...counts,
      services,
      total: { ...total, of: total.of + ofAll.length, silent: total.silent + ofAll.length },
    };
  }
}
