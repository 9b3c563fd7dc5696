import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogEvent } from '@coordination/log';
import { newId, StaleViewError, StartingError, type Clock } from '@coordination/kernel';
import { identityKey, type InstanceRecord } from '../model/instance.js';
import { EVERYWHERE, type Scope } from '../model/scope.js';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { CatalogState } from './catalog-state.js';
import { CatalogView } from './catalog-view.js';

class HandClock implements Clock {
  ms = 1_000_000;
  now = () => new Date(this.ms);
  monotonicMs = () => this.ms;
}

const LIMIT_SECONDS = 600;
const clock = new HandClock();

/** A view that was loaded when the log was empty. */
function loadedView(log: LogInMemory): CatalogView {
  const view = new CatalogView(clock, { stalenessLimitSeconds: LIMIT_SECONDS });
  view.replace({ head: log.head, state: new CatalogState(), sentAtMs: clock.ms });
  return view;
}

const batchOf = (log: LogInMemory, count: number) =>
  Array.from({ length: count }, (_, n) => log.put(anInstance({ instanceId: `orders-${n}` })));

const everythingIn = (view: CatalogView): InstanceRecord[] =>
  [...view.namespaces().values()].flatMap(({ services }) =>
    [...services.values()].flatMap(({ instances }) => [...instances.values()]),
  );

const byIdentity = (records: Iterable<InstanceRecord>) =>
  [...records].sort((a, b) => (identityKey(a) < identityKey(b) ? -1 : 1));

describe('a view that follows the log', () => {
  it('has the instances of the events, by id, by identity and by service', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    const instance = anInstance({ service: 'billing', instanceId: 'b-1' });
    expect(view.apply([log.put(instance)])).toBe('applied');

    expect(view.find(instance.id)).toMatchObject({ instanceId: 'b-1', version: 1, revision: 1 });
    expect(view.findByIdentity(instance)).toBe(view.find(instance.id));
    expect([...view.instancesOf('default', 'billing').keys()]).toEqual(['b-1']);
    expect([...view.services('default').keys()]).toEqual(['billing']);
    expect([...view.namespaces().keys()]).toEqual(['default']);
    expect(view.size).toBe(1);
  });

  it('gives the instances of any scope', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    const places = [
      ['default', 'orders'],
      ['default', 'billing'],
      ['shop', 'orders'],
    ] as const;
    for (const [namespace, service] of places) view.apply([log.put(anInstance({ namespace, service }))]);
    const placesIn = (scope: Scope) =>
      [...view.instancesIn(scope)].map(({ namespace, service }) => `${namespace}/${service}`);
    expect(placesIn(EVERYWHERE)).toEqual(['default/orders', 'default/billing', 'shop/orders']);
    expect(placesIn({ namespace: 'default', service: null })).toEqual(['default/orders', 'default/billing']);
    expect(placesIn({ namespace: null, service: 'orders' })).toEqual(['default/orders', 'shop/orders']);
    expect(placesIn({ namespace: 'shop', service: 'orders' })).toEqual(['shop/orders']);
    expect(placesIn({ namespace: 'unknown', service: null })).toEqual([]);
  });

  it('keeps the incarnation when an event has none, as those of the previous version', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    const { incarnation: _, incarnationNumber: __, ...plain } = anInstance();
    view.apply([log.put(plain as InstanceRecord)]);
    expect(view.find(plain.id)).toMatchObject({ incarnation: null, incarnationNumber: 1 });
    const known = { incarnation: 'boot-2', incarnationNumber: 2, endedIncarnations: ['boot-1'] };
    view.apply([log.put({ ...anInstance(plain), ...known })]);
    view.apply([log.put({ ...plain, weight: 7 } as InstanceRecord)]);
    expect(view.find(plain.id)).toMatchObject({ ...known, weight: 7, version: 3 });
    view.apply([log.remove(plain.id), log.put(plain as InstanceRecord)]);
    expect(view.find(plain.id)).toMatchObject({ incarnation: null, incarnationNumber: 1 });
  });

  it('keeps the revision of a service whose last instance was removed', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    const { id } = anInstance();
    view.apply([log.put(anInstance({ id })), log.remove(id)]);

    expect(view.find(id)).toBeUndefined();
    expect(view.instancesOf('default', 'orders').size).toBe(0);
    expect(view.serviceRevision('default', 'orders')).toBe(2);
    expect(view.serviceRevision('default', 'other')).toBeUndefined();
  });

  it('passes over what it knows already, and takes the rest of the same page', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    const first = log.put(anInstance());
    const second = log.put(anInstance({ instanceId: 'orders-2' }));
    view.apply([first]);
    expect(view.apply([first, second])).toBe('applied');
    expect(view.revision).toBe(2);
    expect(view.size).toBe(2);
  });

  it('does not apply past a gap', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    log.put(anInstance());
    const later = log.put(anInstance({ instanceId: 'orders-2' }));
    expect(view.apply([later])).toBe('gap');
    expect(view.revision).toBe(0);
    expect(view.size).toBe(0);
    expect(view.apply(log.events)).toBe('applied');
    expect(view.size).toBe(2);
  });

  it.each<[string, (event: LogEvent) => LogEvent]>([
    ['follows another event', event => ({ ...event, previousHash: 'f'.repeat(64) })],
    ['stands where the view knows another one', event => ({ ...event, revision: 1, hash: 'f'.repeat(64) })],
  ])('calls the history broken when an event %s', (_, forge) => {
    const log = new LogInMemory();
    const view = loadedView(log);
    view.apply([log.put(anInstance())]);
    const next = log.put(anInstance({ instanceId: 'orders-2' }));
    expect(view.apply([forge(next)])).toBe('broken');
    expect(view.revision).toBe(1);
    expect(view.size).toBe(1);
  });

  it('takes events that are not about instances', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    expect(view.apply([log.put(anInstance()), log.appendOther()])).toBe('applied');
    expect(view.revision).toBe(2);
    expect(view.size).toBe(1);
  });

  it('takes a new epoch: the gap in the numbers, what the epoch is called, and a later revision of every service', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    const { id } = anInstance({ service: 'gone' });
    view.apply([log.put(anInstance()), log.put(anInstance({ id, service: 'gone' })), log.remove(id)]);
    const before = view.position!;
    const { generation } = view;
    const begun = log.beginEpoch();
    expect(view.apply([begun, log.put(anInstance({ service: 'later' }))])).toBe('applied');
    expect(begun.revision).toBe(3 + 2 ** 32);
    expect(view.position).toEqual(log.head);
    expect(view.position!.epoch).not.toBe(before.epoch);
    expect(view.size).toBe(2);
    expect(view.generation, 'what was derived earlier is void').toBe(generation + 1);
    expect(view.serviceRevision('default', 'orders')).toBe(begun.revision);
    expect(view.serviceRevision('default', 'gone')).toBe(begun.revision);
    expect(view.serviceRevision('default', 'later')).toBe(begun.revision + 1);
    expect(view.namespaceRevision('default')).toBe(begun.revision + 1);
    const reasons = [3, 4, begun.revision - 1, begun.revision, begun.revision + 1, begun.revision + 2];
    expect(reasons.map(revision => view.unknownReason(revision))).toEqual([
      undefined,
      'ended-epoch',
      'ended-epoch',
      undefined,
      undefined,
      'above-head',
    ]);
  });

  it.each([
    ['a change jumps', (log: LogInMemory) => log.appendOther('token.created', 1 + 2 ** 32)],
    ['an epoch begins without a jump', (log: LogInMemory) => log.appendOther('catalog.epoch_started', 2)],
  ])('reads again when %s', (_, append) => {
    const log = new LogInMemory();
    const view = loadedView(log);
    view.apply([log.put(anInstance())]);
    expect(view.apply([append(log)])).toBe('gap');
    expect(view.revision).toBe(1);
  });

  it('applies nothing before it is loaded', () => {
    const log = new LogInMemory();
    const view = new CatalogView(clock, { stalenessLimitSeconds: LIMIT_SECONDS });
    expect(view.apply([log.put(anInstance())])).toBe('gap');
    expect(view.size).toBe(0);
  });

  it('takes the place of an identity that comes back with another id within one page', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    const old = anInstance();
    const renewed = anInstance();
    log.put(old);
    log.remove(old.id);
    log.put(renewed);
    view.apply(log.events);
    expect(view.find(old.id)).toBeUndefined();
    expect(view.findByIdentity(old)?.id).toBe(renewed.id);
    expect(view.size).toBe(1);
  });

  it('is the fold of the log, whatever happened and in whatever pages it came (invariant 3)', () => {
    const step = fc.record({
      namespace: fc.constantFrom('default', 'shop'),
      service: fc.constantFrom('orders', 'billing', 'mail'),
      instanceId: fc.constantFrom('a', 'b', 'c'),
      leaves: fc.boolean(),
      weight: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(fc.nat(7), { minLength: 1 }), (steps, cuts) => {
        const log = new LogInMemory();
        const revisions = new Map<string, number>();
        for (const { leaves, ...fields } of steps) {
          const known = [...log.instances.values()].find(
            it => identityKey(it) === identityKey(fields as InstanceRecord),
          );
          if (leaves && known) log.remove(known.id);
          else if (!leaves) log.put({ ...anInstance(known ?? {}), ...fields });
          else continue;
          revisions.set(`${fields.namespace}/${fields.service}`, log.head.revision);
        }
        const view = loadedView(new LogInMemory(log.epoch));
        for (let at = 0, cut = 0; at < log.events.length; cut++) {
          const size = cuts[cut % cuts.length]! + 1;
          // Pages overlap, as they do when a node hears of its own events twice.
          expect(view.apply(log.events.slice(Math.max(0, at - 2), at + size))).toBe('applied');
          at += size;
        }
        expect(byIdentity(everythingIn(view))).toEqual(byIdentity(log.instances.values()));
        expect(view.size).toBe(log.instances.size);
        expect(view.revision).toBe(log.head.revision);
        for (const [name, revision] of revisions) {
          const [namespace, service] = name.split('/') as [string, string];
          expect(view.serviceRevision(namespace, service)).toBe(revision);
        }
        for (const { namespace, size } of view.namespaces().values()) {
          expect(size).toBe([...log.instances.values()].filter(it => it.namespace === namespace).length);
        }
      }),
    );
  });
});

describe('what readers may believe', () => {
  it('is nothing before the view is loaded', () => {
    const view = new CatalogView(clock, { stalenessLimitSeconds: LIMIT_SECONDS });
    expect(() => view.assertReadable()).toThrow(StartingError);
    expect(view.freshness()).toMatchObject({ loaded: false, revision: 0, epoch: null });
  });

  it('ages from the time at which the last confirming query was sent, and is refused past the limit', () => {
    const view = loadedView(new LogInMemory());
    const sentAt = clock.ms;
    clock.ms += 7_000;
    view.confirm(sentAt + 2_000);
    expect(view.freshness().stalenessSeconds).toBe(5);
    view.confirm(sentAt); // an answer that came late does not make it older
    expect(view.freshness().stalenessSeconds).toBe(5);

    clock.ms = sentAt + 2_000 + LIMIT_SECONDS * 1_000;
    expect(() => view.assertReadable()).not.toThrow();
    clock.ms += 1;
    expect(() => view.assertReadable()).toThrow(StaleViewError);
  });

  it('is another load when the whole catalog is replaced', () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    view.apply([log.put(anInstance())]);
    const other = { revision: 1, hash: 'a'.repeat(64), epoch: newId() };
    view.replace({ head: other, state: new CatalogState(), sentAtMs: clock.ms });
    expect(view.generation).toBe(2);
    expect(view.size).toBe(0);
    expect(view.position).toEqual(other);
  });
});

describe('waiting for a revision', () => {
  it('ends as soon as the view has it, and requests a poll of the log', async () => {
    const log = new LogInMemory();
    const view = loadedView(log);
    let looks = 0;
    view.onPollRequested(() => (looks += 1));
    const waits = [1, 2, 3].map(revision => view.reached(revision, 60_000));
    expect(looks).toBe(3);
    view.apply(batchOf(log, 2));
    await expect(Promise.all(waits.slice(0, 2))).resolves.toEqual([true, true]);
    expect(view.waiting).toBe(1);
    view.abandonWaiters();
    await expect(waits[2]).resolves.toBe(false);
    expect(view.waiting).toBe(0);
    await expect(view.reached(2, 0)).resolves.toBe(true);
    expect(looks).toBe(3);
  });

  it('ends with no after the time, and when aborted', async () => {
    const view = loadedView(new LogInMemory());
    await expect(view.reached(1, 1)).resolves.toBe(false);
    const abort = new AbortController();
    const waiting = view.reached(1, 60_000, abort.signal);
    abort.abort();
    await expect(waiting).resolves.toBe(false);
    await expect(view.reached(1, 60_000, abort.signal)).resolves.toBe(false);
    expect(view.waiting).toBe(0);
  });

  it('counts a load as reaching, and nothing before it', async () => {
    const log = new LogInMemory();
    const view = new CatalogView(clock, { stalenessLimitSeconds: LIMIT_SECONDS });
    const waiting = view.reached(0, 60_000);
    expect(view.waiting).toBe(1);
    view.replace({ head: log.head, state: new CatalogState(), sentAtMs: clock.ms });
    await expect(waiting).resolves.toBe(true);
  });
});
