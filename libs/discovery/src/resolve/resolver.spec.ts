import { describe, expect, it, vi } from 'vitest';
import { type Clock, NoInstanceAvailableError, StoreUnavailableError } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { CatalogView, ChangeFeed, type InstanceRecord, ReadBarrier } from '@coordination/catalog';
import { CatalogState } from '@coordination/catalog/testing';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { seeded } from '../../../../test/support/http/mixed-load.js';
import { FreshReads } from '../freshness/fresh-reads.js';
import { LongPolls } from '../freshness/long-polls.js';
import { USABLE } from '../selection/selection.js';
import { type ResolveRequest } from './eligible-instances.js';
import { instanceUrl } from './instance-url.js';
import { Resolver } from './resolver.js';

const clock: Clock = { now: () => new Date(NOW), monotonicMs: () => 0 };
const SEED = 20_261_124;

const WANTED: ResolveRequest = {
  selection: { statuses: USABLE, where: null },
  strategy: 'weighted',
  zone: null,
  zoneThreshold: 70,
  panicThreshold: 0,
};

function setUp(maxBytes?: number) {
  const log = new LogInMemory();
  const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  view.replace({ head: log.head, state: new CatalogState(), sentAtMs: 0 });
  const metrics = new Metrics();
  const readIndex = { current: () => Promise.reject(new StoreUnavailableError()), queries: 0 };
  const barrier = new ReadBarrier(view, readIndex, clock, metrics);
  const feed = new ChangeFeed(view, { maxChanges: 100, maxBytes: 1_000_000 });
  const fresh = new FreshReads(view, barrier, new LongPolls(view, feed, new Scheduler(), { max: 100 }, metrics));
  const resolver = new Resolver(view, fresh, seeded(SEED), maxBytes);
  const put = (instanceId: string, fields: Partial<InstanceRecord> = {}) => {
    const known = [...log.instances.values()].find(it => it.instanceId === instanceId);
    view.apply([log.put(anInstance({ ...known, instanceId, ...fields }))]);
  };
  const remove = (instanceId: string) => {
    const { id } = [...log.instances.values()].find(it => it.instanceId === instanceId)!;
    view.apply([log.remove(id)]);
  };
  const resolve = (differing: Partial<ResolveRequest> = {}, service = 'orders') => {
    const { body } = resolver.choose('default', service, { ...WANTED, ...differing });
    return (JSON.parse(body) as { instance: InstanceRecord }).instance.instanceId;
  };
  const tally = (times: number, differing: Partial<ResolveRequest> = {}) => {
    const counts = new Map<string, number>();
    for (let n = 0; n < times; n++) {
      const id = resolve(differing);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  };
  return { log, view, resolver, put, remove, resolve, tally };
}

/** How far counts are from what was expected (Pearson). */
const chiSquare = (counts: ReadonlyMap<string, number>, expected: Readonly<Record<string, number>>): number =>
  Object.entries(expected).reduce((sum, [id, count]) => sum + ((counts.get(id) ?? 0) - count) ** 2 / count, 0);

/** What chi-square exceeds once in a thousand times, with 3 degrees of freedom. */
const CHI_SQUARE_3 = 16.27;

describe('resolving', () => {
  it('returns each in proportion to its weight', () => {
    const { put, tally } = setUp();
    const weights = { a: 100, b: 50, c: 49, d: 1 };
    for (const [id, weight] of Object.entries(weights)) put(id, { weight });
    put('idle', { weight: 0 });
    const counts = tally(20_000);
    const expected = Object.fromEntries(Object.entries(weights).map(([id, weight]) => [id, weight * 100]));
    expect(chiSquare(counts, expected)).toBeLessThan(CHI_SQUARE_3);
    expect(counts.has('idle')).toBe(false);
  });

  it('gives all alike at random, whatever their weight', () => {
    const { put, tally } = setUp();
    for (const [id, weight] of Object.entries({ a: 1, b: 10, c: 100, d: 1_000 })) put(id, { weight });
    const expected = { a: 5_000, b: 5_000, c: 5_000, d: 5_000 };
    expect(chiSquare(tally(20_000, { strategy: 'random' }), expected)).toBeLessThan(CHI_SQUARE_3);
  });

  it('lets calls leave a zone that has too few, in proportion', () => {
    const { put, tally } = setUp();
    const sick = { ...anInstance().health, state: 'unhealthy' as const };
    put('near', { zone: 'a', weight: 28 });
    put('near-sick', { zone: 'a', weight: 72, health: sick });
    put('far-1', { zone: 'b', weight: 100 });
    put('far-2', { zone: 'b', weight: 200 });
    put('far-3', { zone: null, weight: 300 });
    const share = 28 / 70;
    const expected = { near: share, 'far-1': 0.1, 'far-2': 0.2, 'far-3': 0.3 };
    const scaled = Object.fromEntries(Object.entries(expected).map(([id, part]) => [id, part * 20_000]));
    expect(chiSquare(tally(20_000, { zone: 'a' }), scaled)).toBeLessThan(CHI_SQUARE_3);
    expect([...tally(200, { zone: 'a', zoneThreshold: 0 }).keys()]).toEqual(['near']);
  });

  it('takes turns, and a change of the service does not start the round again', () => {
    const { put, remove, resolve } = setUp();
    for (const id of ['a', 'b', 'c']) put(id);
    const turn = () => resolve({ strategy: 'round_robin' });
    const round = [turn(), turn(), turn()];
    expect([...round].sort()).toEqual(['a', 'b', 'c']);
    expect([turn(), turn(), turn()]).toEqual(round);
    while (turn() !== 'a');
    put('a', { weight: 7 });
    expect(turn()).toBe('b');
    remove('b');
    put('bb');
    expect([turn(), turn(), turn(), turn()]).toEqual(['bb', 'c', 'a', 'bb']);
  });

  it('takes turns for each request separately', () => {
    const { put, resolve } = setUp();
    for (const id of ['a', 'b']) put(id, { type: 'worker' });
    const where = { kind: 'equal' as const, of: ['type'] as const, anyOf: ['worker'] };
    const narrow = { strategy: 'round_robin' as const, selection: { ...WANTED.selection, where } };
    const [one, other] = [resolve({ strategy: 'round_robin' }), resolve(narrow)];
    expect(resolve({ strategy: 'round_robin' })).not.toBe(one);
    expect(resolve(narrow)).not.toBe(other);
  });

  it('scans the instances once for each revision of the service', () => {
    const { view, put, resolve } = setUp();
    for (let n = 0; n < 1_000; n++) put(`i-${n}`);
    const looks = vi.spyOn(view.instancesOf('default', 'orders'), 'values');
    for (let n = 0; n < 5_000; n++) resolve();
    put('mail', { service: 'mail' });
    resolve();
    expect(looks).toHaveBeenCalledTimes(1);
    put('i-0', { weight: 0 });
    resolve();
    expect(looks).toHaveBeenCalledTimes(2);
  });

  it('knows nothing of a catalog that was loaded before, though the revisions be the same', () => {
    const { view, log, put, resolve } = setUp();
    put('a');
    expect(resolve()).toBe('a');
    const state = new CatalogState();
    state.put(anInstance({ instanceId: 'b' }));
    state.touch('default', 'orders', 1);
    view.replace({ head: log.head, state, sentAtMs: 0 });
    expect(resolve()).toBe('b');
  });

  it('works with what is too large to be kept', () => {
    const { put, resolve } = setUp(100);
    put('a');
    expect([resolve(), resolve({ strategy: 'round_robin' })]).toEqual(['a', 'a']);
  });

  it.each(['never-was', 'orders'])('refuses when there is nobody: %s', service => {
    const { put, resolve } = setUp();
    put('a', { health: { ...anInstance().health, state: 'unhealthy' } });
    expect(() => resolve({}, service)).toThrow(NoInstanceAvailableError);
  });
});

it.each([
  ['http', '10.0.0.1', 80, 'http://10.0.0.1:80'],
  ['grpcs', '2001:db8::1', 443, 'grpcs://[2001:db8::1]:443'],
  ['ws', '::ffff:10.0.0.1', 1, 'ws://[::ffff:10.0.0.1]:1'],
  ['tcp', 'db.example.org', 65_535, 'tcp://db.example.org:65535'],
] as const)('the URL of %s, %s, %d is %s', (scheme, host, port, url) => {
  expect(instanceUrl({ scheme, host, port })).toBe(url);
  expect(URL.canParse(url)).toBe(true);
});
