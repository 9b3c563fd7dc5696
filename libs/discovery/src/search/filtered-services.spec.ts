import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type InstanceRecord } from '@coordination/catalog';
import { InvalidFilterError } from '@coordination/kernel';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { nastyMetadata, someExpression } from '../../../../test/support/laws/arbitrary-expressions.js';
import { loggedView } from '../../../../test/support/search/logged-view.js';
import { clockOfLooks, searchedView } from '../../../../test/support/search/searched-view.js';
import { EVENTUAL } from '../freshness/read-consistency.js';
import { EVERYTHING, matcher, type Selection } from '../selection/selection.js';
import { type ServiceSummary, summarize } from '../summary/service-summary.js';

const HEALTHY: Selection = { ...EVERYTHING, statuses: ['healthy'] };

function setUp(options: Parameters<typeof searchedView>[1] = {}) {
  const { log, view, states, put } = loggedView();
  const { services, orders } = searchedView(view, options);
  const list = async (
    selection = HEALTHY,
    { namespace = 'default', signal = undefined as AbortSignal | undefined } = {},
  ) => {
    const found = await services.list(namespace, selection, { ...EVENTUAL, signal });
    const parsed = JSON.parse(String(found.body)) as { revision: number; services: ServiceSummary[] };
    expect(parsed.revision).toBe(found.revision);
    return { ...parsed, catalog: found.catalog, body: String(found.body) };
  };
  return { log, view, orders, states, put, list };
}

const someInstance = fc.record({
  namespace: fc.constantFrom('default', 'default', 'shop', 'default-1'),
  service: fc.constantFrom('orders', 'orders-1', 'orders.1', 'mail'),
  instanceId: fc.constantFrom('a', 'A', 'b', 'c'),
  zone: fc.constantFrom(null, 'z-1', 'z-2'),
  type: fc.constantFrom('api', 'worker' as const),
  metadata: nastyMetadata,
});

const someSelection: fc.Arbitrary<Selection> = fc.record({
  statuses: fc.constantFrom('any' as const, ['healthy'] as const),
  where: fc.option(someExpression, { freq: 3 }),
});

function expectedOf(records: readonly InstanceRecord[], selection: Selection): ServiceSummary[] {
  const selected = records.filter(({ namespace }) => namespace === 'default').filter(matcher(selection));
  const byService = Map.groupBy(selected, ({ service }) => service);
  return [...byService.keys()].sort().map(service => summarize(service, byService.get(service)!));
}

describe('a filtered list of services', () => {
  it('shows what a plain reference does, of one state of the catalog, while that changes', async () => {
    const some = fc.array(someInstance, { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(some, some, someSelection, async (before, during, selection) => {
        const { put, list, states, view, log } = setUp({ clock: clockOfLooks(2) });
        const apply = (fields: Partial<InstanceRecord>) => {
          const known = [...log.instances.values()].find(
            it =>
              it.namespace === fields.namespace && it.service === fields.service && it.instanceId === fields.instanceId,
          );
          put(anInstance({ ...fields, ...(known && { id: known.id }) }));
        };
        before.forEach(apply);
        let isDone = false;
        const pending = list(selection).finally(() => (isDone = true));
        for (const fields of during) {
          if (isDone) break;
          apply(fields);
          await setImmediate();
        }
        const { services, catalog } = await pending;
        expect(services).toEqual(expectedOf(states.get(catalog.revision)!, selection));
        const again = await list(selection);
        expect(again.services).toEqual(expectedOf([...log.instances.values()], selection));
        expect(again.revision).toBe(view.namespaceRevision('default') ?? view.revision);
      }),
      { numRuns: 100 },
    );
  });

  it('is made once for all who ask at the same time, and kept until the namespace changes', async () => {
    const { put, list, view, orders } = setUp();
    const walks = vi.spyOn(orders, 'walk');
    put(anInstance());
    const [one, two] = await Promise.all([list(), list()]);
    put(anInstance({ namespace: 'shop' }));
    const three = await list();
    expect([two.body, three.body]).toEqual([one.body, one.body]);
    expect(walks).toHaveBeenCalledTimes(2); // the first of them found no order
    expect([one.catalog.revision, three.catalog.revision]).toEqual([1, 2]);
    expect(three.revision).toBe(1);
    put(anInstance({ service: 'mail' }));
    const four = await list();
    expect(four.services.map(({ service }) => service)).toEqual(['mail', 'orders']);
    expect(four.revision).toBe(view.revision);
    expect(walks).toHaveBeenCalledTimes(3);
    await list({ ...EVERYTHING, statuses: ['unhealthy'] });
    expect(walks, 'another question').toHaveBeenCalledTimes(4);
  });

  it('shows a request the changes before it, although others ask since before', async () => {
    const { put, list } = setUp({ clock: clockOfLooks(1) });
    for (let n = 0; n < 200; n++) put(anInstance({ instanceId: `i-${n}` }));
    const early = list();
    await setImmediate();
    put(anInstance({ service: 'mail' }));
    const late = list();
    expect((await late).services.map(({ service }) => service)).toEqual(['mail', 'orders']);
    expect((await early).catalog.revision).toBeGreaterThanOrEqual(200);
  });

  it('of an unknown namespace is empty, at the revision of the catalog', async () => {
    const { put, list } = setUp();
    put(anInstance());
    expect(await list(HEALTHY, { namespace: 'nowhere' })).toMatchObject({ revision: 1, services: [] });
    put(anInstance({ service: 'mail' }));
    expect(await list(HEALTHY, { namespace: 'nowhere' })).toMatchObject({ revision: 2, services: [] });
  });

  it('is refused with a remedy when patterns would have to be tried on too many texts, on every machine', async () => {
    const where = { kind: 'matches', of: ['instanceId'], pattern: '7$' } as const;
    for (const msPerLook of [0, 1_000_000]) {
      const { put, list } = setUp({ clock: clockOfLooks(msPerLook), limits: { pageSteps: 1, listSteps: 1_000 } });
      for (let n = 0; n < 20; n++) put(anInstance({ instanceId: `i-${n}` }));
      expect((await list({ ...EVERYTHING, where })).services).toHaveLength(1);
      for (let n = 20; n < 200; n++) put(anInstance({ instanceId: `i-${n}` }));
      await expect(list({ ...EVERYTHING, where })).rejects.toThrow(InvalidFilterError);
      await expect(list({ ...EVERYTHING, where })).rejects.toThrow('narrow it');
    }
  });

  it('goes on for the others when one caller is gone, and ends with the last one', async () => {
    const { put, list } = setUp({ clock: clockOfLooks(1) });
    for (let n = 0; n < 300; n++) put(anInstance({ instanceId: `i-${n}` }));
    const [first, second] = [new AbortController(), new AbortController()];
    const gone = list(HEALTHY, { signal: first.signal });
    const stays = list(HEALTHY, { signal: second.signal });
    first.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect((await stays).services).toHaveLength(1);
    put(anInstance({ service: 'mail' }));
    const third = new AbortController();
    const alone = list(HEALTHY, { signal: third.signal });
    third.abort(new Error('gone, too'));
    await expect(alone).rejects.toThrow('gone, too');
    expect((await list()).services, 'the next one begins anew').toHaveLength(2);
  });
});
