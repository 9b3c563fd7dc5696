import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { newId, systemClock } from '@coordination/kernel';
import { type InstanceRecord } from '../model/instance.js';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { CatalogState } from '../view/catalog-state.js';
import { CatalogView } from '../view/catalog-view.js';
import { type CatalogChange, concernOf } from '../view/catalog-change.js';
import { EVERYWHERE, type Scope } from '../model/scope.js';
import { ChangeFeed } from './change-feed.js';

function watchedView() {
  const log = new LogInMemory();
  const view = new CatalogView(systemClock, { stalenessLimitSeconds: 600 });
  const feed = new ChangeFeed(view, { maxChanges: 100, maxBytes: 1_000_000 });
  const load = () => view.replace({ head: log.head, state: new CatalogState(), sentAtMs: systemClock.monotonicMs() });
  load();
  return { log, view, feed, load };
}

function follow(feed: ChangeFeed, scope: Partial<Scope> = {}) {
  const received: (number | 'restarted')[] = [];
  const end = feed.follow(
    { ...EVERYWHERE, ...scope },
    { changed: ({ revision }) => received.push(revision), restarted: () => received.push('restarted') },
  );
  return { received, end };
}

describe('the feed of changes', () => {
  it('delivers to each follower the changes in its scope, in order, and no others', async () => {
    const { log, view, feed } = watchedView();
    await nextTurn();
    const all = follow(feed);
    const orders = follow(feed, { namespace: 'default', service: 'orders' });
    const namespace = follow(feed, { namespace: 'shop' });
    const named = follow(feed, { service: 'orders' });
    view.apply([
      log.put(anInstance({ service: 'orders' })),
      log.put(anInstance({ service: 'billing' })),
      log.appendOther(),
      log.put(anInstance({ namespace: 'shop', service: 'orders' })),
    ]);
    await nextTurn();
    expect(all.received).toEqual([1, 2, 4]);
    expect(orders.received).toEqual([1]);
    expect(namespace.received).toEqual([4]);
    expect(named.received).toEqual([1, 4]);
  });

  it('reports a new epoch like a load, and no change before it, in whatever page it comes', async () => {
    const { log, view, feed } = watchedView();
    await nextTurn();
    const follower = follow(feed);
    const begun = [log.put(anInstance()), log.beginEpoch(), log.put(anInstance())] as const;
    view.apply(begun);
    await nextTurn();
    expect(follower.received).toEqual(['restarted', begun[2].revision]);
    expect(feed.floor).toBe(begun[1].revision);
    expect(feed.after(1), 'the epoch that ended is not received as if it went on').toBeUndefined();
  });

  it('delivers nothing twice when events are applied again, and nothing after the end', async () => {
    const { log, view, feed } = watchedView();
    await nextTurn();
    const follower = follow(feed);
    const event = log.put(anInstance());
    view.apply([event]);
    view.apply([event]);
    await nextTurn();
    follower.end();
    follower.end();
    view.apply([log.put(anInstance({ instanceId: 'other' }))]);
    await nextTurn();
    expect(follower.received).toEqual([1]);
    expect(feed.size).toBe(0);
  });

  it('reports a load, after which memory has only later changes', async () => {
    const { log, view, feed, load } = watchedView();
    await nextTurn();
    const follower = follow(feed);
    view.apply([log.put(anInstance({ instanceId: 'a' }))]);
    load();
    view.apply([log.put(anInstance({ instanceId: 'b' }))]);
    await nextTurn();
    expect(follower.received).toEqual(['restarted', 2]);
    expect(feed.after(0)).toBeUndefined();
    expect(feed.after(1)?.map(({ revision }) => revision)).toEqual([2]);
  });

  it('has what was before and after, as the view has it', () => {
    const { log, view, feed } = watchedView();
    const instance = anInstance({ id: newId(), weight: 1 });
    view.apply([log.put(instance), log.put({ ...instance, weight: 2 }), log.remove(instance.id)]);
    const weights = feed.after(0)!.map(({ before, after }) => [before?.weight, after?.weight]);
    expect(weights).toEqual([
      [undefined, 1],
      [1, 2],
      [2, undefined],
    ]);
  });
});

const isHeavy = ({ weight }: InstanceRecord) => weight > 5;
const change = (before: number | null, after: number | null): Pick<CatalogChange, 'before' | 'after'> => ({
  before: before === null ? null : anInstance({ weight: before }),
  after: after === null ? null : anInstance({ weight: after }),
});

describe('what a change is to a selection', () => {
  it.each([
    [null, 9, 'present'],
    [1, 9, 'present'],
    [9, 8, 'present'],
    [9, 1, 'left'],
    [9, null, 'left'],
    [1, 2, 'none'],
    [null, 1, 'none'],
    [1, null, 'none'],
  ] as const)('from weight %s to %s is %s', (before, after, concern) => {
    expect(concernOf(change(before, after), isHeavy)).toBe(concern);
  });
});
