import {
  expiryDueAt,
  hasLapsed,
  type LeaseAllowance,
  type LeasedInstance,
  type LeaseStall,
} from '@coordination/catalog';
import { type Command, decide } from '@coordination/registry';
import {
  admit,
  admitted,
  countWindows,
  longStallUntil,
  evaluateGuard,
  type GuardRules,
  type GuardState,
  type LeaseCounts,
  type ServiceCount,
} from '@coordination/liveness/testing';

/** Something that was done about a lease. */
export interface SimulatedAction {
  readonly id: string;
  readonly action: 'lapsed' | 'healed' | 'gone';
  /** Milliseconds. */
  readonly at: number;
  /** The last sign of life that was in the database then. */
  readonly renewedAt: number;
}

/** The most that is ended at once in a simulation that bounds nothing else. */
const RELEASED = 5;

const iso = (ms: number): string => new Date(ms).toISOString();

/** Leases and guards as the database has them, with the rules that the service has and the counts that its SQL makes. */
export class SimulatedLeases {
  readonly actions: SimulatedAction[] = [];
  /** Times at which some guard was active. */
  readonly guardedAt: number[] = [];
  private states: readonly GuardState[] = [];
  private readonly instances = new Map<string, LeasedInstance>();
  private recoveringSince: string | null = null;
  private readonly stalls: LeaseStall[] = [];

  constructor(
    private readonly rules: GuardRules,
    private readonly flushBoundMs: number,
  ) {}

  get guards(): readonly GuardState[] {
    return this.states;
  }

  add(leased: LeasedInstance): void {
    this.instances.set(leased.instance.id, leased);
  }

  isHealthy(id: string): boolean {
    const leased = this.instances.get(id);
    return leased !== undefined && leased.instance.health.state === 'healthy';
  }

  /** A sign of life of some time gets to the database at a later one. @returns false when the instance is gone */
  note(id: string, signAt: number, now: number): boolean {
    const leased = this.instances.get(id);
    if (!leased) return false;
    const renewedAt = iso(Math.max(Date.parse(leased.lease.renewedAt), signAt));
    const renewed = { ...leased, lease: { ...leased.lease, renewedAt } };
    this.instances.set(id, renewed);
    const ttlMs = (leased.instance.check.ttlSeconds ?? 0) * 1_000;
    if (hasLapsed(leased.instance.health) && Date.parse(renewedAt) + ttlMs > now) {
      this.carryOut({ kind: 'heartbeat', target: { id } }, now);
    }
    return true;
  }

  /** Nobody could reach the database until now. */
  comeBack(now: number): void {
    this.recoveringSince = iso(now);
  }

  /** The node that ends leases was stalled, and no other one took its place. */
  noteStall(from: number, until: number): void {
    this.stalls.push({ from: iso(from), until: iso(until), ms: until - from });
  }

  sweep(now: number): void {
    const { rules, recoveringSince, stalls } = this;
    const allowance = { flushBoundMs: this.flushBoundMs, recoveringSince, maxGraceMs: rules.maxMs, stalls };
    const counts = this.count(now, allowance);
    const evaluation = evaluateGuard({
      now: iso(now),
      rules,
      states: this.states,
      overrides: [],
      counts,
      recoveringSince,
      stalledUntil: longStallUntil({ stalls }),
    });
    this.states = evaluation.states;
    if (this.states.length > 0) this.guardedAt.push(now);
    const due = [...this.instances.values()]
      .filter(leased => this.isDue(leased, now, allowance))
      .map(({ instance: { id, namespace, service } }) => ({ id, namespace, service }));
    for (const { id } of admitted(due, admit(evaluation, RELEASED))) {
      this.carryOut({ kind: 'expire', target: { id }, whenAbsent: 'ignore', allowance }, now);
    }
  }

  /** Whether something is due: what has lapsed and may stay is not, and takes nobody's turn when leases are let go slowly. */
  private isDue({ instance, lease }: LeasedInstance, now: number, allowance: LeaseAllowance): boolean {
    const { check, health } = instance;
    const over = expiryDueAt(lease, check, allowance);
    if (over === null || over > now) return false;
    if (!hasLapsed(health)) return true;
    const { deregisterAfterSeconds } = check;
    return deregisterAfterSeconds > 0 && Date.parse(health.since) + deregisterAfterSeconds * 1_000 <= now;
  }

  private count(now: number, allowance: LeaseAllowance): LeaseCounts {
    const windows = countWindows(iso(now), this.states, this.rules);
    const services = new Map<string, ServiceCount>();
    let inGrace = 0;
    let inGraceUntil = 0;
    let inStallGrace = 0;
    let inStallGraceUntil = 0;
    for (const leased of this.instances.values()) {
      const { namespace, service, check, health } = leased.instance;
      const over = expiryDueAt(leased.lease, check, allowance) ?? Infinity;
      const without = { ...allowance, recoveringSince: null, stalls: [] };
      const withoutGrace = expiryDueAt(leased.lease, check, without) ?? Infinity;
      const withoutStalls = expiryDueAt(leased.lease, check, { ...allowance, stalls: [] }) ?? Infinity;
      const isRenewedBeforeStall = leased.lease.renewedAt < (longStallUntil(allowance) ?? '');
      if (withoutGrace <= now && withoutStalls > now) {
        inGrace++;
        inGraceUntil = Math.max(inGraceUntil, over);
      } else if (withoutStalls <= now && over > now && isRenewedBeforeStall) {
        inStallGrace++;
        inStallGraceUntil = Math.max(inStallGraceUntil, over);
      }
      const isOver = over <= now;
      const lapsed = hasLapsed(health);
      const counts = (since: string) => !lapsed || over > Date.parse(since);
      const before = services.get(service) ?? {
        namespace,
        service,
        of: 0,
        expired: 0,
        pending: 0,
        expiredInTotalWindow: 0,
      };
      const own = windows.by.service(namespace, service);
      services.set(service, {
        ...before,
        of: before.of + Number(counts(own)),
        expired: before.expired + Number(isOver && counts(own)),
        pending: before.pending + Number(isOver && !lapsed),
        expiredInTotalWindow: before.expiredInTotalWindow + Number(isOver && counts(windows.sinceOfAll)),
      });
    }
    const all = [...services.values()];
    const sum = (key: 'of' | 'pending' | 'expiredInTotalWindow') => all.reduce((total, count) => total + count[key], 0);
    return {
      total: { of: sum('of'), expired: sum('expiredInTotalWindow'), pending: sum('pending') },
      services: all,
      inGrace,
      inGraceUntil: inGrace > 0 ? iso(inGraceUntil) : null,
      inStallGrace,
      inStallGraceUntil: inStallGrace > 0 ? iso(inStallGraceUntil) : null,
    };
  }

  private carryOut(command: Command, now: number): void {
    const id = 'id' in command ? '' : 'id' in command.target ? command.target.id : '';
    const current = this.instances.get(id);
    const decision = decide(current, command, { now: iso(now), clock: iso(now), revision: 1, actor: 'system' });
    if (decision.kind !== 'changed' || !current) return;
    const renewedAt = Date.parse(current.lease.renewedAt);
    if (decision.after) this.instances.set(id, decision.after);
    else this.instances.delete(id);
    const action = !decision.after ? 'gone' : command.kind === 'expire' ? 'lapsed' : 'healed';
    this.actions.push({ id, action, at: now, renewedAt });
  }
}
