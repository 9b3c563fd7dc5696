import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Counter } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { RateLimitedError, systemClock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { CatalogView, ChangeFeed } from '@coordination/catalog';
import { Scheduler } from '@coordination/scheduling';
import { CatalogState } from '@coordination/catalog/testing';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { type Selection, USABLE } from '../selection/selection.js';
import { instancesPoll, NAMESPACES_POLL, type PollQuery } from './poll-query.js';
import { LongPolls } from './long-polls.js';

const LONG_MS = 60_000;
const HEALTHY: Selection = { statuses: USABLE, where: null };
const ORDERS = instancesPoll({ namespace: 'default', service: 'orders' }, HEALTHY);
const ALL_ORDERS = instancesPoll({ namespace: null, service: 'orders' }, HEALTHY);

/** A scheduler whose clock moves by this much (ms) with each look at it. */
function tickingScheduler(ms: number): Scheduler {
  let now = 0;
  return new Scheduler({ now: () => new Date(0), monotonicMs: () => (now += ms) });
}

interface Options {
  readonly scheduler?: Scheduler;
  readonly random?: () => number;
  /** How many requests may be held. */
  readonly max?: number;
  readonly maxChanges?: number;
}

/** A loaded view with long polls, and a client that sends them. */
function catalog(options: Options = {}) {
  const log = new LogInMemory();
  const view = new CatalogView(systemClock, { stalenessLimitSeconds: 600 });
  const feed = new ChangeFeed(view, { maxChanges: options.maxChanges ?? 1_000, maxBytes: 10_000_000 });
  const load = () => view.replace({ head: log.head, state: new CatalogState(), sentAtMs: systemClock.monotonicMs() });
  load();
  const { max = 100, random = () => 0, scheduler = new Scheduler() } = options;
  const metrics = new Metrics();
  const counter = vi.spyOn(metrics, 'counter');
  const waiting = new LongPolls(view, feed, scheduler, { max }, metrics, random);
  const ended: string[] = [];
  vi.spyOn(counter.mock.results[0]!.value as Counter<'reason'>, 'inc').mockImplementation(labels =>
    ended.push((labels as { readonly reason: string }).reason),
  );
  const ask = (question: PollQuery, since = view.revision, signal?: AbortSignal, limitMs = LONG_MS) =>
    waiting.untilChanged(question, { since, limitMs, signal });
  return {
    log,
    view,
    feed,
    load,
    waiting,
    ended,
    ask,
    put: (...of: Parameters<LogInMemory['put']>) => view.apply([log.put(...of)]),
  };
}

const order = (differing: Parameters<typeof anInstance>[0] = {}) => anInstance({ service: 'orders', ...differing });
const unhealthy = {
  state: 'unhealthy',
  failures: 3,
  output: '',
  decidedBy: 'report',
  since: '2026-01-01T00:00:00.000Z',
} as const;

describe('a read that waits', () => {
  it('is woken by what enters the selection, by what changes in it, and by what leaves it', async () => {
    const { put, view, log, ask, ended } = catalog();
    await nextTurn();
    const instance = order();
    const steps = [
      () => put(instance),
      () => put({ ...instance, weight: 1 }),
      () => put({ ...instance, health: unhealthy, status: 'unhealthy' }),
      () => put(instance),
      () => view.apply([log.remove(instance.id)]),
      () => put(order()),
    ];
    for (const step of steps) {
      const told = ask(ORDERS);
      step();
      await told;
    }
    expect(ended).toEqual(steps.map(() => 'change'));
  });

  it('sleeps on when something else changes, though that wakes others', async () => {
    const { put, ask, ended, waiting } = catalog();
    await nextTurn();
    const sleeping = [ask(ORDERS), ask(ORDERS), ask(ALL_ORDERS)];
    const others = [ask(instancesPoll({ namespace: 'default', service: null }, HEALTHY)), ask(NAMESPACES_POLL)];
    put(anInstance({ service: 'billing' }));
    put(order({ health: unhealthy })); // neither before nor after
    await Promise.all(others);
    expect({ held: waiting.held, ended }).toEqual({ held: 3, ended: ['change', 'change'] });
    put(order({ instanceId: 'another' }));
    await Promise.all(sleeping);
  });

  it('for namespaces ends only when the number of instances changes', async () => {
    const { put, ask, waiting } = catalog();
    await nextTurn();
    const instance = order();
    put(instance);
    const namespaces = ask(NAMESPACES_POLL);
    const orders = ask(ORDERS);
    put({ ...instance, weight: 1 });
    await orders;
    expect(waiting.held).toBe(1);
    put(order({ instanceId: 'another' }));
    await namespaces;
  });

  it('does not wait at all for what has changed already, and waits if that was something else', async () => {
    const { put, ask, ended, waiting } = catalog();
    put(order());
    put(anInstance({ service: 'billing' }));
    await nextTurn();
    await ask(ORDERS, 0);
    expect(ended).toEqual(['known']);
    const told = ask(ORDERS, 1);
    await nextTurn();
    expect(waiting.held).toBe(1);
    put(order({ instanceId: 'another' }));
    await told;
  });

  it('is answered at once when it is no longer known whether something has changed', async () => {
    const { put, ask, ended, waiting } = catalog({ maxChanges: 2 });
    await nextTurn();
    put(order());
    for (let n = 0; n < 5; n++) put(anInstance({ service: 'billing' }));
    // What the catalog knows of each service is enough where that has not changed at all.
    void ask(ORDERS, 1);
    await nextTurn();
    expect(waiting.held).toBe(1);
    await ask(ALL_ORDERS, 1);
    await ask(instancesPoll({ namespace: 'default', service: 'billing' }, HEALTHY), 1);
    expect(ended).toEqual(['known', 'known']);
  });

  it('of what was dropped is answered at once where its removal is not in memory any more, and waits where nothing came after', async () => {
    const { put, view, log, ask, ended, waiting } = catalog({ maxChanges: 1 });
    const gone = order();
    put(anInstance({ service: 'billing' })); // 1
    put(gone); // 2
    view.apply([log.remove(gone.id)]); // 3
    view.apply([log.dropEmptyServices({ namespace: 'default', service: 'orders', revision: 3 })]); // 4
    put(anInstance({ service: 'billing', instanceId: 'another' })); // 5
    await nextTurn();
    await ask(ORDERS, 2);
    await ask(instancesPoll({ namespace: 'default', service: 'orders' }, { statuses: 'any', where: null }), 0);
    expect(ended).toEqual(['known', 'known']);
    const late = [ask(ALL_ORDERS, 5), ask(instancesPoll({ namespace: 'default', service: 'never' }, HEALTHY), 4)];
    await nextTurn();
    expect({ ended, held: waiting.held }).toEqual({ ended: ['known', 'known'], held: 2 });
    put(order({ instanceId: 'another' }));
    put(anInstance({ service: 'never' }));
    await Promise.all(late);
  });

  it('is answered when its time is up, a sixteenth earlier at most', async () => {
    const { ask, ended } = catalog({ random: () => 0.999 });
    await nextTurn();
    const begun = performance.now();
    await ask(ORDERS, 0, undefined, 160);
    expect(ended).toEqual(['timeout']);
    expect(performance.now() - begun).toBeGreaterThan(145);
  });

  it('is answered when the service shuts down, and so are later ones', async () => {
    const { ask, ended, waiting, feed } = catalog();
    const told = [ask(ORDERS), ask(ORDERS), ask(NAMESPACES_POLL)];
    waiting.onModuleDestroy();
    await Promise.all(told);
    await ask(ORDERS);
    expect({ ended, held: waiting.held, followers: feed.size }).toEqual({
      ended: ['shutdown', 'shutdown', 'shutdown'],
      held: 0,
      followers: 0,
    });
  });

  it('is answered when the view was loaded again, since the changes in between are unknown', async () => {
    const { ask, load, ended } = catalog();
    await nextTurn();
    const told = ask(ORDERS);
    load();
    await told;
    expect(ended).toEqual(['restarted']);
  });

  it.each([
    ['change', 'something changes'],
    ['restarted', 'the view was loaded again'],
  ] as const)('is answered in slices with many others (%s), when %s', async (reason, _when) => {
    const scheduler = tickingScheduler(0.5);
    const { ask, load, put, ended, waiting } = catalog({ max: 1_000, scheduler });
    await nextTurn();
    const told = Array.from({ length: 300 }, () => ask(ORDERS));
    if (reason === 'change') put(order());
    else load();
    while (ended.length === 0) await nextTurn();
    expect(ended.length, 'not all in one turn of the loop').toBeLessThan(100);
    const later = ask(ORDERS);
    await Promise.all(told);
    expect(ended).toEqual(told.map(() => reason));
    expect(waiting.held, 'the one that came later waits for the next change').toBe(1);
    waiting.onModuleDestroy();
    await later;
  });

  it('is dropped when the client has disconnected', async () => {
    const { ask, ended, waiting, feed } = catalog();
    const controller = new AbortController();
    const told = ask(ORDERS, 0, controller.signal);
    controller.abort(new Error('gone'));
    await expect(told).rejects.toThrow('gone');
    await expect(ask(ORDERS, 0, controller.signal)).rejects.toThrow('gone');
    expect({ ended, held: waiting.held, followers: feed.size }).toEqual({ ended: ['gone'], held: 0, followers: 0 });
  });

  it('is refused when too many are held, and not when it need not be held', async () => {
    const { put, ask } = catalog({ max: 2 });
    put(order());
    void ask(ORDERS);
    void ask(NAMESPACES_POLL);
    await expect(ask(ORDERS)).rejects.toThrow(RateLimitedError);
    await ask(ORDERS, 0);
  });
});

describe('what waiting reads cost', () => {
  it('a change is tested once for all requests of the same query', async () => {
    const { put, ask } = catalog();
    await nextTurn();
    let tested = 0;
    const counting: PollQuery = {
      ...ORDERS,
      newTest() {
        const affects = ORDERS.newTest();
        return change => {
          tested += 1;
          return affects(change);
        };
      },
    };
    const told = Array.from({ length: 50 }, () => ask(counting));
    put(order());
    await Promise.all(told);
    expect(tested).toBe(1);
  });

  it('changes that come together wake requests once, and a query is not woken a thousand times a second', async () => {
    const { put, view, ask, ended } = catalog();
    await nextTurn();
    const begun = performance.now();
    const end = new AbortController();
    const client = (async () => {
      for (let since = view.revision; !end.signal.aborted; since = view.revision)
        await ask(ORDERS, since, undefined, 50);
    })();
    const instance = order();
    for (let n = 0; n < 2_000; n++) {
      put({ ...instance, weight: n });
      if (n % 10 === 0) await nextTurn();
    }
    const isTold = () => ended.some(why => why !== 'timeout');
    await waitFor('some were told', () => isTold() && (ended.length > 5 || performance.now() - begun > 500));
    end.abort();
    await client;
    const told = ended.filter(why => why !== 'timeout').length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual((performance.now() - begun) / 20 + 2);
  });

  it('patterns are not tested without bound: their requests are answered instead', async () => {
    const { put, ask, ended } = catalog();
    await nextTurn();
    const pattern = '(a|b|ab|ba){20}c';
    const question = instancesPoll(
      { namespace: 'default', service: 'orders' },
      { statuses: 'any', where: { kind: 'matches', of: ['metadata', 'text'], pattern } },
    );
    const told = ask(question);
    const metadata = { text: 'ab'.repeat(128) };
    for (let n = 0; n < 200; n++) put(order({ instanceId: `o-${n}`, metadata }));
    await told;
    expect(ended).toEqual(['change']);
  });
});
