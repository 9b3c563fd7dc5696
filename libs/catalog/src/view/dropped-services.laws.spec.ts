import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock } from '@coordination/kernel';
import { identityKey, type InstanceRecord } from '../model/instance.js';
import { type ServiceTouch } from '../model/service-touch.js';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { CatalogState } from './catalog-state.js';
import { CatalogView } from './catalog-view.js';

const clock: Clock = { now: () => new Date(NOW), monotonicMs: () => 0 };

const NAMESPACES = ['a', 'b', 'ci'] as const;
const SERVICES = ['orders', 'mail', 'x-1', 'x-2'] as const;
const NAMES = [...NAMESPACES, 'never'].flatMap(namespace =>
  [...SERVICES, 'never'].map(service => ({ namespace, service })),
);

type Step = { readonly drops: number } | { readonly begins: true } | (Named & { readonly comes: boolean });
interface Named {
  readonly namespace: string;
  readonly service: string;
}

const someStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      namespace: fc.constantFrom(...NAMESPACES),
      service: fc.constantFrom(...SERVICES),
      comes: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ drops: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ begins: fc.constant(true as const) }) },
);

const someSteps = fc.array(someStep, { maxLength: 80 });

/** The tables, kept by the simplest means: what the view is compared with, and loaded from. */
class Tables {
  readonly revisions = new Map<string, ServiceTouch>();
  readonly floors = new Map<string, number>();

  touch(touched: ServiceTouch): void {
    this.revisions.set(`${touched.namespace}/${touched.service}`, touched);
  }

  touchAll(revision: number): void {
    for (const [key, known] of this.revisions) this.revisions.set(key, { ...known, revision });
    for (const key of this.floors.keys()) this.floors.set(key, revision);
  }

  drop(services: readonly ServiceTouch[], revision: number): void {
    for (const { namespace, service } of services) this.revisions.delete(`${namespace}/${service}`);
    for (const { namespace } of services) {
      const isLeft = [...this.revisions.values()].some(known => known.namespace === namespace);
      if (!isLeft) this.floors.delete(namespace);
      this.floors.set(isLeft ? namespace : '*', revision);
    }
  }

  /** A state that is loaded from here, in the order of names, as a node does that starts. */
  load(instances: Iterable<InstanceRecord>): CatalogState {
    const state = new CatalogState();
    for (const record of instances) state.put(record);
    for (const key of [...this.revisions.keys()].sort()) {
      const { namespace, service, revision } = this.revisions.get(key)!;
      state.touch(namespace, service, revision);
    }
    for (const [namespace, revision] of this.floors) state.raiseFloor({ namespace, revision });
    return state;
  }
}

/** A catalog that steps are carried out on: its log, its tables and a view that follows it. */
function begin() {
  const log = new LogInMemory();
  const tables = new Tables();
  const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  view.replace({ head: log.head, state: new CatalogState(), sentAtMs: 0 });
  const empty = () => {
    const inhabited = new Set([...log.instances.values()].map(({ namespace, service }) => `${namespace}/${service}`));
    const found = [...tables.revisions].flatMap(([key, known]) => (inhabited.has(key) ? [] : [[key, known] as const]));
    return found
      .sort(([keyA, a], [keyB, b]) => a.revision - b.revision || (keyA < keyB ? -1 : 1))
      .map(([, known]) => known);
  };
  const carryOut = (step: Step): void => {
    if ('drops' in step) {
      const oldest = empty().slice(0, step.drops);
      if (oldest.length === 0) return;
      expect(view.oldestEmptyServices(step.drops)).toEqual(oldest);
      view.apply([log.dropEmptyServices(oldest.at(-1)!)]);
      tables.drop(oldest, log.head.revision);
    } else if ('begins' in step) {
      view.apply([log.beginEpoch()]);
      tables.touchAll(log.head.revision);
    } else {
      const { comes, ...name } = step;
      const identity = { ...name, instanceId: 'only' };
      const known = [...log.instances.values()].find(it => identityKey(it) === identityKey(identity));
      if (comes === (known !== undefined)) return;
      view.apply([known ? log.remove(known.id) : log.put(anInstance(identity))]);
      tables.touch({ ...name, revision: log.head.revision });
    }
  };
  const reload = (): CatalogView => {
    const loaded = new CatalogView(clock, { stalenessLimitSeconds: 600 });
    loaded.replace({ head: log.head, state: tables.load(log.instances.values()), sentAtMs: 0 });
    return loaded;
  };
  return { log, tables, view, carryOut, empty, reload };
}

/** Everything that a view says of revisions. */
const toldBy = (view: CatalogView) => ({
  services: NAMES.map(({ namespace, service }) => view.serviceRevision(namespace, service)),
  known: NAMES.map(({ namespace, service }) => view.knowsService(namespace, service)),
  namespaces: [...NAMESPACES, 'never'].map(namespace => view.namespaceRevision(namespace)),
  inhabited: [...view.namespaces().values()].map(({ namespace, size }) => `${namespace}: ${size}`).sort(),
  listed: [...NAMESPACES, 'never'].map(namespace => [...view.services(namespace).keys()].sort()),
  empty: view.emptyServices,
  oldest: view.oldestEmptyServices(100),
});

/** What answers are of: where nothing stands for a name, they are as of now. */
const asAnswered = (view: CatalogView): number[] => {
  const { services, namespaces } = toldBy(view);
  return [...services, ...namespaces].map(revision => revision ?? view.revision);
};

describe('A view that drops services', () => {
  it('equals a view that is loaded from the tables then, and continues like it', () => {
    fc.assert(
      fc.property(someSteps, someSteps, (first, second) => {
        const catalog = begin();
        for (const step of first) catalog.carryOut(step);
        const loaded = catalog.reload();
        expect(toldBy(catalog.view)).toEqual(toldBy(loaded));
        const from = catalog.log.events.length;
        for (const step of second) catalog.carryOut(step);
        expect(loaded.apply(catalog.log.events.slice(from))).toBe('applied');
        expect(toldBy(loaded)).toEqual(toldBy(catalog.view));
        expect(toldBy(catalog.reload())).toEqual(toldBy(catalog.view));
      }),
    );
  });

  it('never has a lower revision of any service or namespace than before, whatever is dropped and returns', () => {
    fc.assert(
      fc.property(someSteps, steps => {
        const { view, carryOut } = begin();
        let before = asAnswered(view);
        for (const step of steps) {
          carryOut(step);
          const now = asAnswered(view);
          for (const [n, revision] of now.entries()) expect(revision).toBeGreaterThanOrEqual(before[n]!);
          before = now;
        }
      }),
    );
  });

  it('has a later revision of a service whenever it has changed', () => {
    fc.assert(
      fc.property(someSteps, steps => {
        const { view, carryOut } = begin();
        for (const step of steps) {
          const before = asAnswered(view);
          const instances = NAMES.map(({ namespace, service }) => view.instancesOf(namespace, service).size);
          carryOut(step);
          const now = asAnswered(view);
          for (const [n, { namespace, service }] of NAMES.entries()) {
            if (view.instancesOf(namespace, service).size !== instances[n]) expect(now[n]).toBeGreaterThan(before[n]!);
          }
        }
      }),
    );
  });

  it('has no more in memory than what is known', () => {
    fc.assert(
      fc.property(someSteps, steps => {
        const { view, carryOut, empty } = begin();
        for (const step of steps) carryOut(step);
        expect(view.emptyServices).toBe(empty().length);
        while (empty().length > 0) carryOut({ drops: 3 });
        expect(view.emptyServices).toBe(0);
        // A namespace that is left with nothing is like one that never was.
        for (const namespace of NAMESPACES) {
          if (view.services(namespace).size > 0) continue;
          expect(view.namespaceRevision(namespace)).toBe(view.namespaceRevision('never'));
        }
      }),
    );
  });
});

describe('A floor', () => {
  it('applies to the unknown names of its namespace, and to no others', () => {
    const { view, log, carryOut } = begin();
    for (const service of ['orders', 'mail'] as const) {
      carryOut({ namespace: 'a', service, comes: true });
      carryOut({ namespace: 'b', service, comes: true });
    }
    carryOut({ namespace: 'a', service: 'mail', comes: false });
    const gone = log.head.revision;
    expect(view.serviceRevision('a', 'mail')).toBe(gone);
    carryOut({ drops: 1 });
    const floor = log.head.revision;
    expect(view.knowsService('a', 'mail')).toBe(false);
    expect(view.serviceRevision('a', 'mail')).toBe(floor);
    expect(view.serviceRevision('a', 'never')).toBe(floor);
    expect(view.namespaceRevision('a')).toBe(floor);
    expect(view.serviceRevision('a', 'orders')).toBe(1);
    expect(view.serviceRevision('b', 'mail')).toBe(4);
    expect(view.serviceRevision('b', 'never')).toBeUndefined();
    expect(view.namespaceRevision('b')).toBe(4);
    expect(view.namespaceRevision('never')).toBeUndefined();
  });

  it('of a namespace that has nothing left becomes that of all others', () => {
    const { view, log, carryOut } = begin();
    carryOut({ namespace: 'b', service: 'orders', comes: true });
    carryOut({ namespace: 'a', service: 'mail', comes: true });
    carryOut({ namespace: 'a', service: 'mail', comes: false });
    carryOut({ drops: 1 });
    const floor = log.head.revision;
    expect(view.serviceRevision('a', 'mail')).toBe(floor);
    expect(view.namespaceRevision('a')).toBe(floor);
    expect(view.namespaceRevision('never')).toBe(floor);
    expect(view.serviceRevision('b', 'never')).toBe(floor);
    expect(view.namespaceRevision('b')).toBe(1);
  });
});
