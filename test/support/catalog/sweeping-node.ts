import { newId } from '@coordination/kernel';
import { LIVENESS_ENTITIES } from '@coordination/liveness';
import {
  EndedLeasesRepository,
  ExpiryPlanner,
  GuardOverrides,
  GuardRecorder,
  type GuardRules,
  LeaseExpirer,
  LeaseSweep,
  LivenessGuardRepository,
  RecentEvictions,
  Redating,
} from '@coordination/liveness/testing';
import { InstanceLeaseRepository } from '@coordination/registry/testing';
import { NodeRoleRepository, type RoleTerm } from '@coordination/leadership';
import { startWriter, type WritingNode } from './writer.js';

/** Rules under which few instances are enough, and nothing waits long. */
export const SMALL_RULES: GuardRules = {
  serviceShare: 0.3,
  minInstances: 10,
  totalShare: 0.15,
  totalMinInstances: 50,
  windowMs: 60_000,
  maxMs: 600_000,
  releasePerSecond: 3,
};

export const FLUSH_BOUND_MS = 1_000;

/** What a node that ends leases consists of. It sweeps when it is told to. */
export interface SweepingNode extends WritingNode {
  readonly holder: string;
  readonly overrides: GuardOverrides;
  /** Claims the role. @returns its term, if this node has it now */
  claim(lastsMs?: number): Promise<RoleTerm | undefined>;
  /** One sweep in a term, after so many ms without one. */
  sweep(term: RoleTerm, sinceLastMs?: number): Promise<boolean>;
}

export const ROLE = 'sweeper';

/** A node that ends leases on a database, with its connections. */
export async function startSweepingNode(url: string, rules: Partial<GuardRules> = {}): Promise<SweepingNode> {
  const node = await startWriter(url, {}, LIVENESS_ENTITIES);
  const { databases, writer } = node;
  const holder = newId();
  const roles = new NodeRoleRepository();
  const guards = new LivenessGuardRepository();
  const effective = { ...SMALL_RULES, ...rules, flushBoundMs: FLUSH_BOUND_MS };
  const leases = new EndedLeasesRepository();
  const evictions = new RecentEvictions();
  const sweep = new LeaseSweep(
    new ExpiryPlanner(databases, roles, guards, leases, evictions, effective),
    new Redating(databases, leases, guards, effective),
    new GuardRecorder(databases, writer, guards),
    new LeaseExpirer(writer, evictions, { expired: () => undefined }),
    { unrecordedStallMs: 0, recordWork: term => roles.noteWork(databases.em('liveness'), term) },
    { startSweep: () => () => undefined },
  );
  return {
    ...node,
    holder,
    overrides: new GuardOverrides(writer, guards, effective),
    async claim(lastsMs = 60_000) {
      const { term } = await roles.claim(databases.em('liveness'), {
        role: ROLE,
        holder,
        lastsMs,
        awayAfterMs: 60_000,
      });
      return term.holder === holder ? term : undefined;
    },
    sweep: (term, sinceLastMs = 1_000) => sweep.run(term, sinceLastMs),
  };
}

/**
 * Notes heartbeats as a node does, as if they had come just now.
 * @returns those that must be healed, because their lease had been ended before
 */
export async function renew({ databases }: WritingNode, ids: readonly string[]): Promise<string[]> {
  const leases = new InstanceLeaseRepository();
  const toHeal: string[] = [];
  for (let left = ids; left.length > 0;) {
    const renewals = left.map(id => ({ id, ageMs: 0, reported: false }));
    const { busy, revived } = await leases.renew(databases.em('leases'), renewals);
    toHeal.push(...revived);
    left = busy;
  }
  return toHeal;
}
