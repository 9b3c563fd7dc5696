import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InstanceRecord, OVERRIDE_STATUSES, type Status, STATUSES } from '@coordination/catalog';
import { HEALTH_STATES } from '@coordination/catalog/testing';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { EVERYTHING, USABLE } from '../selection/selection.js';
import { type EligibleInstances, eligibleInstances, STRATEGIES, type ResolveRequest } from './eligible-instances.js';

const isHeld = (status: Status) => (OVERRIDE_STATUSES as readonly Status[]).includes(status);

/** An instance as health or an operator's word has it. */
function anInstanceThatIs(status: Status, fields: Partial<InstanceRecord> = {}): InstanceRecord {
  const held = OVERRIDE_STATUSES.find(it => it === status);
  const { health } = anInstance();
  if (held) {
    const override = { status: held, reason: null, until: null, setAt: health.since, setBy: 'operator' };
    return anInstance({ ...fields, override });
  }
  return anInstance({ ...fields, health: { ...health, state: HEALTH_STATES.find(it => it === status)! } });
}

const named = (prefix: string, count: number, status: Status, fields: Partial<InstanceRecord> = {}) =>
  Array.from({ length: count }, (_, n) => anInstanceThatIs(status, { instanceId: `${prefix}-${n}`, ...fields }));

const want = (differing: Partial<ResolveRequest> = {}): ResolveRequest => ({
  selection: { statuses: USABLE, where: null },
  strategy: 'weighted',
  zone: null,
  zoneThreshold: 70,
  panicThreshold: 0,
  ...differing,
});

const idsOf = ({ local, remote }: EligibleInstances) => [...local.ids, ...remote.ids].sort();

const someInstances = fc
  .array(
    fc.record({
      status: fc.constantFrom(...STATUSES),
      weight: fc.constantFrom(0, 0, 1, 100, 10_000),
      zone: fc.constantFrom(null, 'a', 'b'),
      type: fc.constantFrom('api' as const, 'worker' as const),
    }),
    { maxLength: 20 },
  )
  .map(all => all.map(({ status, ...fields }, n) => anInstanceThatIs(status, { instanceId: `i-${n}`, ...fields })));

const someWanted: fc.Arbitrary<ResolveRequest> = fc.record({
  selection: fc.record({
    statuses: fc.constantFrom(USABLE, ['maintenance', 'unhealthy'] as const, 'any' as const),
    where: fc.constantFrom(null, { kind: 'equal' as const, of: ['type'] as const, anyOf: ['api'] }),
  }),
  strategy: fc.constantFrom(...STRATEGIES),
  zone: fc.constantFrom(null, 'a', 'nowhere'),
  zoneThreshold: fc.nat(100),
  panicThreshold: fc.constantFrom(0, 0, 30, 100),
});

describe('the eligible', () => {
  it('are the best of the selected, never the excluded, whatever the request', () => {
    fc.assert(
      fc.property(someInstances, someWanted, (instances, wanted) => {
        const { selection, panicThreshold, zone } = wanted;
        const eligible = eligibleInstances(instances, wanted);
        const chosen = idsOf(eligible).map(id => instances.find(it => it.instanceId === id)!);
        const hasStatus = (status: Status) => selection.statuses === 'any' || selection.statuses.includes(status);
        const meant = instances.filter(({ type }) => selection.where === null || type === 'api');
        const selected = meant.filter(({ status }) => hasStatus(status));
        const open = meant.filter(({ status }) => hasStatus(status) || (eligible.isPanic && !isHeld(status)));

        if (panicThreshold === 0) expect(eligible.isPanic).toBe(false);
        for (const it of chosen) expect(open).toContain(it);
        expect(chosen.length > 0).toBe(open.length > 0);
        if (chosen.some(({ weight }) => weight === 0)) expect(open.every(({ weight }) => weight === 0)).toBe(true);
        const statuses = new Set(chosen.map(({ status }) => status));
        if (eligible.isPanic) {
          const weighty = open.filter(({ weight }) => weight > 0).length;
          expect(chosen).toHaveLength(weighty || open.length);
        } else {
          const rivals = selected.filter(({ weight }) => weight > 0 === chosen.some(it => it.weight > 0));
          const healthy = rivals.some(({ status }) => status === 'healthy');
          if (healthy) expect([...statuses]).toEqual(['healthy']);
          else if (rivals.some(({ status }) => status === 'degraded')) expect([...statuses]).toEqual(['degraded']);
        }
        for (const id of eligible.local.ids) expect(instances.find(it => it.instanceId === id)?.zone).toBe(zone);
        if (eligible.local.size === 0) expect(eligible.localShare).toBe(0);
        else if (eligible.remote.size === 0) expect(eligible.localShare).toBe(1);
      }),
    );
  });

  it('have their own weight for the strategy `weighted`, otherwise the same', () => {
    const instances = [
      ...named('a', 1, 'healthy', { weight: 10_000 }),
      ...named('b', 1, 'healthy', { weight: 1 }),
      ...named('c', 1, 'healthy', { weight: 0 }),
    ];
    expect(eligibleInstances(instances, want()).remote.weight).toBe(10_001);
    for (const strategy of ['random', 'round_robin'] as const) {
      expect(eligibleInstances(instances, want({ strategy })).remote.weight).toBe(2);
    }
    const idle = instances.filter(({ weight }) => weight === 0);
    expect(eligibleInstances(idle, want()).remote.weight).toBe(1);
  });

  it('never have a host of earlier times that no URL can have, not even in a panic', () => {
    const usable = named('ok', 2, 'unhealthy', { host: '2001:db8:0:0:0:0:0:1' });
    const zoned = named('zoned', 3, 'healthy', { host: 'fe80::1%eth0' });
    expect(idsOf(eligibleInstances([...usable, ...zoned], want({ panicThreshold: 50 })))).toEqual(['ok-0', 'ok-1']);
    expect(idsOf(eligibleInstances(zoned, want()))).toEqual([]);
  });

  it('without weight give way to degraded ones', () => {
    const instances = [...named('idle', 1, 'healthy', { weight: 0 }), ...named('slow', 1, 'degraded')];
    expect(idsOf(eligibleInstances(instances, want()))).toEqual(['slow-0']);
  });
});

describe('a preferred zone', () => {
  const elsewhere = named('remote', 4, 'healthy', { zone: 'b' });
  const localShare = (zoned: InstanceRecord[], wanted: Partial<ResolveRequest> = {}) =>
    eligibleInstances([...zoned, ...elsewhere], want({ zone: 'a', ...wanted })).localShare;
  const here = (fit: number, unfit: number, status: Status = 'unhealthy') => [
    ...named('local', fit, 'healthy', { zone: 'a' }),
    ...named('sick', unfit, status, { zone: 'a' }),
  ];

  it('gets all calls while it has enough, and then as many as it can take', () => {
    expect(localShare(here(7, 3))).toBe(1);
    expect(localShare(here(6, 4))).toBe(6 / 7);
    expect(localShare(here(6, 4), { zoneThreshold: 60 })).toBe(1);
    expect(localShare(here(1, 9), { zoneThreshold: 100 })).toBe(1 / 10);
    expect(localShare(here(0, 2))).toBe(0);
    expect(localShare([])).toBe(0);
  });

  it('has less to give when an operator holds instances back, or when they are degraded only', () => {
    for (const status of ['maintenance', 'degraded', 'starting'] as const) {
      expect(localShare(here(1, 3, status)), status).toBe(25 / 70);
    }
  });

  it('counts weights where weights are what calls go by', () => {
    const zoned = [
      ...named('local', 1, 'healthy', { zone: 'a', weight: 30 }),
      ...named('sick', 1, 'unhealthy', { zone: 'a', weight: 70 }),
      ...named('idle', 5, 'unhealthy', { zone: 'a', weight: 0 }),
    ];
    expect(localShare(zoned)).toBe(3 / 7);
    expect(localShare(zoned, { strategy: 'random' })).toBe(5 / 7);
  });

  it('comes after health: its degraded instances are not taken while others are healthy', () => {
    const slow = named('local', 2, 'degraded', { zone: 'a' });
    const eligible = eligibleInstances([...slow, ...elsewhere], want({ zone: 'a' }));
    expect(eligible.local.size).toBe(0);
    expect(eligible.localShare).toBe(0);
  });
});

const panics = (instances: InstanceRecord[], panicThreshold: number) =>
  eligibleInstances(instances, want({ panicThreshold }));

describe('a panic', () => {
  it('begins below the threshold, and gives all but those that an operator holds back', () => {
    const instances = [...named('ok', 1, 'healthy'), ...named('slow', 1, 'degraded'), ...named('sick', 2, 'unhealthy')];
    expect(panics(instances, 50).isPanic).toBe(false);
    expect(panics(instances, 0).isPanic).toBe(false);
    const held = OVERRIDE_STATUSES.flatMap(status => named(status, 1, status));
    const panicked = panics([...instances, ...held], 51);
    expect(panicked.isPanic).toBe(true);
    expect(idsOf(panicked)).toEqual(['ok-0', 'sick-0', 'sick-1', 'slow-0']);
  });

  it('is not begun by a planned absence', () => {
    expect(panics([...named('ok', 1, 'healthy'), ...named('off', 9, 'maintenance')], 100).isPanic).toBe(false);
    expect(panics(named('off', 3, 'stopped'), 100).isPanic).toBe(false);
    expect(panics([], 100).isPanic).toBe(false);
  });

  it('ignores zones, and begins when no instance is usable', () => {
    const sick = named('sick', 3, 'unhealthy', { zone: 'a' });
    const eligible = eligibleInstances(sick, want({ panicThreshold: 1, zone: 'a' }));
    expect(eligible).toMatchObject({ isPanic: true, localShare: 0 });
    expect(eligible.remote.size).toBe(3);
    expect(eligible.local.size).toBe(0);
  });

  it('depends on the instances that the filters select, whatever the requested status', () => {
    const instances = [...named('ok', 9, 'healthy', { type: 'worker' }), ...named('sick', 1, 'unhealthy')];
    const where = { kind: 'equal' as const, of: ['type'] as const, anyOf: ['api'] };
    const selection = { ...EVERYTHING, where };
    expect(eligibleInstances(instances, want({ selection, panicThreshold: 50 })).isPanic).toBe(true);
    expect(eligibleInstances(instances, want({ panicThreshold: 50 })).isPanic).toBe(false);
  });
});
