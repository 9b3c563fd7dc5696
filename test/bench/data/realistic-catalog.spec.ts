import { describe, expect, it } from 'vitest';
import { decide } from '@coordination/registry';
import { identityKey, type LeasedInstance, namespaceSchema, serviceSchema } from '@coordination/catalog';
import { instanceSpecSchema } from '@coordination/registry/testing';
import { batchesOf } from './batches-of.js';
import { mix } from './mix.js';
import { realisticCatalog, realisticServices } from './realistic-catalog.js';
import { realisticHistory, type Step } from './realistic-history.js';

const PLAN = { instances: 3_000, ttlSeconds: 60 };
const NOW = '2026-01-01T00:00:00.000Z';

describe('a made-up catalog', () => {
  const instances = [...realisticCatalog(PLAN)];

  it('is the same each time, so that runs can be compared, and a smaller one is the beginning of a larger one', () => {
    expect([...realisticCatalog(PLAN)]).toEqual(instances);
    const smaller = [...realisticCatalog({ ...PLAN, instances: 1_000 })];
    expect(instances.slice(0, 1_000)).toEqual(smaller);
  });

  it('has as many instances as were asked for, each with a name and an address of its own', () => {
    expect(instances).toHaveLength(PLAN.instances);
    expect(new Set(instances.map(({ identity }) => identityKey(identity))).size).toBe(PLAN.instances);
    expect(new Set(instances.map(({ spec }) => spec.host)).size).toBe(PLAN.instances);
  });

  it('would be taken by the service as it is', () => {
    for (const { identity, spec } of instances) {
      expect(instanceSpecSchema.parse(spec)).toEqual(spec);
      expect(namespaceSchema.parse(identity.namespace)).toBe(identity.namespace);
      expect(serviceSchema.parse(identity.service)).toBe(identity.service);
    }
  });

  it('has services of many sizes, those of five that discovery is measured with among them', () => {
    const sizes = Map.groupBy(realisticServices(PLAN.instances), ({ size }) => size);
    expect(sizes.get(5)!.length).toBeGreaterThan(50);
    expect([...sizes.keys()]).toEqual(expect.arrayContaining([1, 40, 200]));
  });

  it('draws alike from all of a range', () => {
    const counts = new Map<number, number>();
    for (let n = 0; n < 10_000; n++) counts.set(mix(n, 3) % 10, (counts.get(mix(n, 3) % 10) ?? 0) + 1);
    expect([...counts.values()].every(count => count > 900 && count < 1_100)).toBe(true);
  });
});

describe('a made-up history', () => {
  const plan = { ...PLAN, instances: 500, events: 6_000 };
  const steps = [...realisticHistory(plan)];

  it('has one event for each step, as many as were asked for', () => {
    const catalog = new Map<string, LeasedInstance>();
    const actions = new Map<string, number>();
    for (const [n, { command, origin }] of steps.entries()) {
      const key = keyOf(command);
      const moment = { now: NOW, clock: NOW, revision: n + 1, actor: origin.actor };
      const decision = decide(catalog.get(key), command, moment);
      if (decision.kind !== 'changed') throw new Error(`Step ${n} (${command.kind}) came to ${decision.kind}.`);
      actions.set(decision.action, (actions.get(decision.action) ?? 0) + 1);
      if (decision.after) catalog.set(key, decision.after);
      else catalog.delete(key);
    }
    expect(steps).toHaveLength(plan.events);
    expect(catalog.size).toBe(plan.instances);
    expect(actions.size).toBe(6);
    const unhealthy = [...catalog.values()].filter(({ instance }) => instance.health.state !== 'healthy');
    expect(unhealthy.length).toBeLessThanOrEqual(plan.instances * 0.02);
  });

  it('is the same each time but for the ids that the service gives', () => {
    expect(plain(realisticHistory(plan))).toEqual(plain(steps));
  });
});

/** Steps without the ids that the service gives. */
const plain = (all: Iterable<Step>) => [...all].map(({ command, origin }) => ({ ...command, id: 0, origin }));

function keyOf(command: Step['command']): string {
  if (command.kind === 'register') return identityKey(command.identity);
  return 'identity' in command.target ? identityKey(command.target.identity) : command.target.id;
}

describe('batches', () => {
  it('have everything once, in order', () => {
    expect([...batchesOf([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
    expect([...batchesOf([1, 2], 2)]).toEqual([[1, 2]]);
    expect([...batchesOf([], 2)]).toEqual([]);
  });
});
