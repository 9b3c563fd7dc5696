import { gunzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { type Clock, newId } from '@coordination/kernel';
import { CatalogView, ChangeFeed, type InstanceRecord } from '@coordination/catalog';
import { CatalogState } from '@coordination/catalog/testing';
import { Scheduler } from '@coordination/scheduling';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { type Fields } from '../listing/instance-fields.js';
import { type ListQuery } from '../listing/list-query.js';
import { type Listing, listingName, Listings } from '../listing/listings.js';
import { ViewListings } from '../listing/view-listings.js';
import { countStatuses } from '../summary/service-summary.js';
import { EVERYTHING, type Selection } from '../selection/selection.js';
import { CachedJson } from './cached-json.js';
import { type ViewJson } from './view-json.js';

const clock: Clock = { now: () => new Date(NOW), monotonicMs: () => 0 };
const health = (state: InstanceRecord['health']['state']) => ({ ...anInstance().health, state });
const USABLE: Selection = { ...EVERYTHING, statuses: ['degraded', 'healthy'] };

function setUp(maxLength?: number) {
  const log = new LogInMemory();
  const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  view.replace({ head: log.head, state: new CatalogState(), sentAtMs: 0 });
  const answers = new CachedJson(view, maxLength);
  const put = (fields: Partial<InstanceRecord>) => {
    const known = [...view.instancesOf('default', fields.service ?? 'orders').values()].find(
      it => it.instanceId === fields.instanceId,
    );
    view.apply([log.put(anInstance({ ...known, ...fields }))]);
  };
  /** Of services that are small enough to be listed at once. */
  const instancesOf = (service: string, selection = USABLE) => {
    const answer = atOnce(answers.instanceList('default', service, selection));
    return { ...answer, answer, json: jsonOf(answer) as { instances: InstanceRecord[]; counts: object } };
  };
  return { log, view, answers, put, instancesOf };
}

function atOnce(answer: ViewJson | Promise<ViewJson>): ViewJson {
  if (answer instanceof Promise) throw new Error('This list is made in slices.');
  return answer;
}

const jsonOf = (answer: ViewJson | Promise<ViewJson>): unknown => JSON.parse(String(atOnce(answer).body));

const NOT_KEPT: Listing = { counts: countStatuses([]), ids: ['not kept'] };

const questionOf = (limit: number | null, fields: Fields = null): ListQuery => ({
  namespace: 'default',
  service: 'orders',
  selection: USABLE,
  part: { limit, fields },
});

describe('parts of a list from the view', () => {
  it('equal the list of the same revision, whatever changes between them', () => {
    const { answers, put, instancesOf } = setUp();
    for (const instanceId of ['b', 'd', 'a', 'c']) put({ instanceId });
    put({ instanceId: 'sick', health: health('unhealthy') });
    const expectParts = () => {
      const { json, revision, body } = instancesOf('orders');
      const [all, one] = [questionOf(1_000), questionOf(1)].map(it => jsonOf(answers.listPart(it)) as typeof json);
      expect({ ...all, nextCursor: undefined }).toEqual(json);
      expect(one!.instances).toEqual(json.instances.slice(0, 1));
      expect(atOnce(answers.listPart(questionOf(null, null))).body).toBe(body);
      const named = jsonOf(answers.listPart(questionOf(null, ['instanceId']))) as typeof json;
      expect(named).toEqual({ ...json, instances: json.instances.map(({ instanceId }) => ({ instanceId })) });
      expect(atOnce(answers.listPart(questionOf(2))).revision).toBe(revision);
    };
    expectParts();
    put({ instanceId: 'b', weight: 1 });
    expectParts();
    put({ instanceId: 'ab' });
    expectParts();
    put({ instanceId: 'a', health: health('unhealthy') });
    expectParts();
  });

  it('scan all instances once for a revision, and then only those that they show', () => {
    const { answers, view, put } = setUp();
    for (let n = 0; n < 500; n++) put({ instanceId: `i-${n}` });
    void answers.listPart(questionOf(10));
    const looks = vi.spyOn(view.instancesOf('default', 'orders') as Map<string, InstanceRecord>, 'get');
    const page = atOnce(answers.listPart(questionOf(10), 'i-3')).body;
    expect(looks).toHaveBeenCalledTimes(10);
    expect(atOnce(answers.listPart(questionOf(10), 'i-3')).body).toBe(page);
    expect(looks).toHaveBeenCalledTimes(10);
  });

  it('of past revisions are restored from the newest changes, as far as these reach', async () => {
    const { log, view, put } = setUp();
    const feed = new ChangeFeed(view, { maxChanges: 12, maxBytes: 1_000_000 });
    feed.replaced(view.position!);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const then = new Map<number, Listing>();
    const question = questionOf(2);
    const note = () => {
      const fresh = new ViewListings(view, new Listings(), feed, new Scheduler());
      then.set(view.revision, fresh.now(question, view.revision));
    };
    for (const [n, instanceId] of [...names, 'b', 'd', 'f'].entries()) {
      put({ instanceId, health: health(n % 3 ? 'healthy' : 'unhealthy') });
      note();
      put({ service: 'other', instanceId });
      if (n % 2) view.apply([log.remove(view.findByIdentity(anInstance({ instanceId: names[n % 5]! }))!.id)]);
      else put({ instanceId: names[n % 5]! });
      note();
    }
    const listings = new Listings();
    const late = new ViewListings(view, listings, feed, new Scheduler());
    let recalled = 0;
    for (const [revision, listing] of then) {
      await late.restore(question, revision);
      const kept = listings.get(listingName(view.position!.epoch, revision, question), () => NOT_KEPT);
      if (revision < feed.floor) expect(kept, `revision ${revision}`).toBe(NOT_KEPT);
      else expect(kept, `revision ${revision}`).toEqual(listing);
      recalled += Number(revision >= feed.floor);
    }
    expect(recalled).toBeGreaterThan(4);
    expect(recalled).toBeLessThan(then.size);
  });

  it('of many kinds are kept within a bound, and right when they are not kept any more', () => {
    const { answers, put } = setUp(20_000);
    for (let n = 0; n < 30; n++) put({ instanceId: `i-${String(n).padStart(2, '0')}` });
    for (let round = 0; round < 2; round++) {
      for (let limit = 1; limit <= 30; limit++) {
        const { instances } = jsonOf(answers.listPart(questionOf(limit))) as { instances: InstanceRecord[] };
        expect(instances).toHaveLength(limit);
      }
    }
  });
});

describe('answers from the view', () => {
  it('are the very same until what they show changes', () => {
    const { answers, put, instancesOf } = setUp();
    put({ service: 'orders', instanceId: 'a' });
    put({ service: 'mail', instanceId: 'm' });
    const first = {
      orders: instancesOf('orders').answer,
      mail: instancesOf('mail').answer,
      list: answers.serviceList('default'),
    };
    expect(instancesOf('orders').answer).toBe(first.orders);
    expect(answers.serviceList('default')).toBe(first.list);

    put({ service: 'orders', instanceId: 'a', weight: 1 });
    expect(instancesOf('orders').answer).not.toBe(first.orders);
    expect(instancesOf('mail').answer).toBe(first.mail);
    expect(atOnce(answers.serviceList('default')).revision).toBe(3);
  });

  it('show the instances by instanceId, of the requested statuses, with the counts of all statuses', () => {
    const { put, instancesOf } = setUp();
    put({ instanceId: 'c' });
    put({ instanceId: 'a', health: health('degraded') });
    put({ instanceId: 'b', health: health('unhealthy') });
    put({ instanceId: 'd', zone: 'z', health: health('unhealthy') });
    const { json, revision } = instancesOf('orders');
    expect(json).toMatchObject({ service: 'orders', revision: 4 });
    expect(revision).toBe(4);
    expect(json.instances.map(it => it.instanceId)).toEqual(['a', 'c']);
    expect(json.counts).toMatchObject({ total: 4, healthy: 1, degraded: 1, unhealthy: 2, maintenance: 0 });

    const zoned = instancesOf('orders', { ...USABLE, where: { kind: 'equal', of: ['zone'], anyOf: ['z'] } }).json;
    expect(zoned.instances).toEqual([]);
    expect(zoned.counts).toMatchObject({ total: 1, unhealthy: 1 });

    // What an expression says of statuses holds for the counts too; the default holds all the same.
    const sick = instancesOf('orders', {
      ...USABLE,
      where: { kind: 'equal', of: ['status'], anyOf: ['unhealthy', 'degraded'] },
    }).json;
    expect(sick.instances.map(it => it.instanceId)).toEqual(['a']);
    expect(sick.counts).toMatchObject({ total: 3, healthy: 0, degraded: 1, unhealthy: 2 });
  });

  it('are empty: at the present revision for unknown names, at the last one for removed instances', () => {
    const { view, log, answers, put, instancesOf } = setUp();
    put({ instanceId: 'a' });
    view.apply([log.remove(view.findByIdentity(anInstance({ instanceId: 'a' }))!.id)]);
    put({ service: 'mail', instanceId: 'm' });
    expect(instancesOf('orders')).toMatchObject({ revision: 2, json: { instances: [], revision: 2 } });
    expect(instancesOf('never')).toMatchObject({ revision: 3, json: { instances: [], revision: 3 } });
    expect(jsonOf(answers.serviceList('default'))).toMatchObject({
      revision: 3,
      services: [{ service: 'mail' }],
    });
    expect(jsonOf(answers.serviceList('never'))).toEqual({ revision: 3, services: [] });
    expect(jsonOf(answers.namespaceList())).toEqual({
      revision: 3,
      namespaces: [{ namespace: 'default', services: 1, instances: 1 }],
    });
  });

  it('are empty, as of the event that dropped it, for what was dropped and for all that is not known there', () => {
    const { view, log, answers, put, instancesOf } = setUp();
    put({ service: 'mail', instanceId: 'm' });
    put({ instanceId: 'a' });
    view.apply([log.remove(view.findByIdentity(anInstance({ instanceId: 'a' }))!.id)]);
    const listed = atOnce(answers.serviceList('default'));
    view.apply([log.dropEmptyServices({ namespace: 'default', service: 'orders', revision: 3 })]);
    put({ service: 'later', instanceId: 'l' });
    for (const service of ['orders', 'never'])
      expect(instancesOf(service)).toMatchObject({ revision: 4, json: { instances: [], revision: 4 } });
    expect(instancesOf('mail').revision).toBe(1);
    expect(listed.revision).toBe(3);
    expect(atOnce(answers.serviceList('default')).revision).toBe(5);
    expect(atOnce(answers.serviceList('never')).revision, 'nothing was dropped there').toBe(5);
  });

  it('are made again when the catalog was loaded again, even at the same revisions', () => {
    const { view, put, instancesOf } = setUp();
    put({ instanceId: 'a' });
    const before = instancesOf('orders').answer;
    const state = new CatalogState();
    state.touch('default', 'orders', 1);
    view.replace({ head: { revision: 1, hash: 'a'.repeat(64), epoch: newId() }, state, sentAtMs: 0 });
    expect(instancesOf('orders').answer).not.toBe(before);
    expect(instancesOf('orders').json.instances).toEqual([]);
  });

  it('are given also when they are too large to be kept', () => {
    const { put, instancesOf } = setUp(600);
    put({ instanceId: 'a' });
    expect(instancesOf('orders').json.instances).toHaveLength(1);
    expect(instancesOf('orders').answer).not.toBe(instancesOf('orders').answer);
  });

  it('keep their compressed form within the same bound, as long as they are kept themselves', async () => {
    const { put, instancesOf, answers } = setUp(12_000);
    const metadata = { notes: Array.from({ length: 100 }, (_, n) => Math.sqrt(n).toString(36)) };
    put({ service: 'orders', instanceId: 'a', metadata });
    const [first, second] = [instancesOf('orders').answer, instancesOf('orders').answer];
    expect(second.compressed).toBe(first.compressed);
    const [bytes, same] = await Promise.all([first.compressed!.bytes(), second.compressed!.bytes()]);
    expect(same).toBe(bytes);
    expect(gunzipSync(bytes).toString()).toBe(String(first.body));
    expect(instancesOf('orders').answer.compressed!.bytes()).toBe(bytes);

    // Plain forms alone leave room for so many others.
    const { length } = String(first.body);
    const others = Math.floor((12_000 - length) / (length + 600));
    const fill = () => {
      for (let n = 0; n < others; n++) {
        put({ service: `other-${n}`, instanceId: 'a', metadata });
        instancesOf(`other-${n}`);
      }
    };
    fill();
    expect(instancesOf('orders').answer.compressed).not.toBe(first.compressed);
    const again = instancesOf('orders').answer;
    fill();
    expect(instancesOf('orders').answer.compressed).toBe(again.compressed);

    put({ service: 'orders', instanceId: 'a', weight: 1 });
    const changed = instancesOf('orders').answer;
    expect(gunzipSync(await changed.compressed!.bytes()).toString()).toBe(String(changed.body));
    expect(atOnce(answers.serviceList('never')).compressed).toBeUndefined();
  });
});
