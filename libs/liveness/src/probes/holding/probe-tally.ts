import { type CountedSince } from '../../guard/recent-evictions.js';
import { type LeaseCounts, type ServiceCount } from '../../guard/lease-counts.js';

interface Group {
  readonly namespace: string;
  readonly service: string;
  size: number;
}

interface Tallied {
  readonly group: Group;
  /** Whether it counts: it was probed, and callers are sent to it or were when it began to fail. */
  counts: boolean;
  /** When it began to fail (monotonic, ms); undefined: its last probe succeeded. */
  failingSinceMs: number | undefined;
}

/** The moment at which instances are counted. */
export interface TallyMoment {
  /** RFC 3339, by the clock by which windows are given. */
  readonly now: string;
  /** The same moment by the monotonic clock. */
  readonly nowMs: number;
  /** The begin of the windows in which instances that begin to fail are counted together. */
  readonly since: CountedSince;
  /** Whether the failure of an instance has not been acted on. */
  readonly isPending: (id: string) => boolean;
}

/** Which of the instances that this node probes succeed, and since when others fail: the numbers that guards are evaluated by. */
export class ProbeTally {
  private readonly groups = new Map<string, Group>();
  private readonly tallied = new Map<string, Tallied>();

  get size(): number {
    return this.tallied.size;
  }

  /** How many instances of a service are tallied. */
  sizeOf(namespace: string, service: string): number {
    return this.groups.get(`${namespace}/${service}`)?.size ?? 0;
  }

  /** An instance that is to be probed; it does not count yet. */
  add(id: string, namespace: string, service: string): void {
    if (this.tallied.has(id)) return;
    const key = `${namespace}/${service}`;
    const group = this.groups.get(key) ?? { namespace, service, size: 0 };
    group.size += 1;
    this.groups.set(key, group);
    this.tallied.set(id, { group, counts: false, failingSinceMs: undefined });
  }

  succeeded(id: string): void {
    this.change(id, entry => {
      entry.counts = true;
      entry.failingSinceMs = undefined;
    });
  }

  /** The begin of a series of failures counts, if callers were sent to the instance then. */
  failed(id: string, isServing: boolean, nowMs: number): void {
    this.change(id, entry => {
      entry.counts ||= isServing;
      if (entry.counts) entry.failingSinceMs ??= nowMs;
    });
  }

  /** An instance of which a failure is no surprise. */
  ignore(id: string): void {
    this.change(id, entry => (entry.counts = false));
  }

  delete(id: string): void {
    const entry = this.tallied.get(id);
    if (!entry) return;
    this.tallied.delete(id);
    entry.group.size -= 1;
    if (entry.group.size === 0) this.groups.delete(`${entry.group.namespace}/${entry.group.service}`);
  }

  /**
   * Counts as for leases: `of` are instances that succeed, or began to fail within the window; `expired` the latter. An
   * instance that has failed for longer counts in neither.
   */
  counts({ now, nowMs, since, isPending }: TallyMoment): LeaseCounts {
    const toMs = (time: string): number => nowMs - (Date.parse(now) - Date.parse(time));
    const allSinceMs = toMs(since.all);
    const total = { of: 0, expired: 0, pending: 0 };
    const counted = new Map<Group, { readonly count: Mutable<ServiceCount>; readonly sinceMs: number }>();
    for (const [id, { group, counts, failingSinceMs }] of this.tallied) {
      if (!counts) continue;
      let known = counted.get(group);
      if (!known) {
        const { namespace, service } = group;
        const count = { namespace, service, of: 0, expired: 0, pending: 0, expiredInTotalWindow: 0 };
        known = { count, sinceMs: toMs(since.service(namespace, service)) };
        counted.set(group, known);
      }
      const { count, sinceMs } = known;
      if (failingSinceMs === undefined) {
        count.of += 1;
        total.of += 1;
        continue;
      }
      if (failingSinceMs > sinceMs) {
        count.of += 1;
        count.expired += 1;
      }
      if (failingSinceMs > allSinceMs) {
        total.of += 1;
        total.expired += 1;
        count.expiredInTotalWindow += 1;
      }
      if (isPending(id)) {
        count.pending += 1;
        total.pending += 1;
      }
    }
    const services = [...counted.values()].map(({ count }) => count);
    return { total, services, inGrace: 0, inGraceUntil: null, inStallGrace: 0, inStallGraceUntil: null };
  }

  private change(id: string, change: (entry: Tallied) => void): void {
    const entry = this.tallied.get(id);
    if (entry) change(entry);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
