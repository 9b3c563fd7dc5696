import { Inject, Injectable } from '@nestjs/common';
import { CatalogView } from '@coordination/catalog';
import { type GuardRules, guardRules } from '../../guard/guard-rules.js';
import { liveNodes } from '../../nodes/live-nodes.js';

/** A guard needs at least so many instances, unless the settings ask for fewer: one that fails is a whole. */
const FEWEST = 2;

/**
 * The rules of the guard over leases, for the share that one node probes: where several nodes probe, each has only a part of a
 * service, and a guard costs less there, because another node looks.
 */
@Injectable()
export class ProbeGuardRules {
  constructor(
    @Inject(CatalogView) private readonly view: Pick<CatalogView, 'instancesOf'>,
    @Inject(guardRules) private readonly rules: GuardRules,
  ) {}

  /** The rules with the present number of nodes. */
  current(): GuardRules {
    const nodes = Math.max(1, liveNodes(this.view).length);
    return scaledRules(this.rules, nodes);
  }

  /** Whether another node takes part in probing. */
  hasOthers(node: string): boolean {
    return liveNodes(this.view).some(({ instanceId }) => instanceId !== node);
  }
}

/** The rules for one of so many nodes that share the instances. */
export function scaledRules(rules: GuardRules, nodes: number): GuardRules {
  const scaled = (least: number) => Math.max(Math.min(FEWEST, least), Math.ceil(least / nodes));
  return {
    ...rules,
    minInstances: scaled(rules.minInstances),
    totalMinInstances: scaled(rules.totalMinInstances),
  };
}
