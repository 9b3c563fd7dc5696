import { describe, expect, it } from 'vitest';
import { CatalogView, type InstanceRecord } from '@coordination/catalog';
import { CatalogState } from '@coordination/catalog/testing';
import { Scheduler } from '@coordination/scheduling';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { clockOfLooks } from '../../../../test/support/search/searched-view.js';
import { InstancePicker, type PickQuestion } from './instance-picker.js';
import { EVERYTHING, type Selection } from '../selection/selection.js';

const inZone = (zone: string): Selection => ({
  statuses: 'any',
  where: { kind: 'equal', of: ['zone'], anyOf: [zone] },
});

/** @param msPerLook how much time passes whenever the clock is asked */
function setUp(records: readonly Partial<InstanceRecord>[], { msPerLook = 0, maxSteps = 1_000_000 } = {}) {
  const clock = clockOfLooks(msPerLook);
  const log = new LogInMemory();
  const view = new CatalogView(clock, { stalenessLimitSeconds: Infinity });
  view.replace({ head: log.head, state: new CatalogState(), sentAtMs: 0 });
  for (const [n, fields] of records.entries()) view.apply([log.put(anInstance({ instanceId: `i-${n}`, ...fields }))]);
  const picker = new InstancePicker(view, new Scheduler(clock), maxSteps);
  const pick = (question: Partial<PickQuestion>) =>
    picker.pick({ namespace: 'default', service: null, selection: EVERYTHING, ...question });
  const named = async (question: Partial<PickQuestion>) =>
    (await pick(question)).instances.map(({ instanceId }) => instanceId).sort();
  return { pick, named };
}

const RECORDS = [
  { zone: 'a' },
  { zone: 'b' },
  { zone: 'a', service: 'mail' },
  { zone: 'a', namespace: 'shop' },
  { zone: 'a', namespace: 'shop', service: 'mail' },
];

describe('picking instances', () => {
  it('picks all selected instances of the scope, and no others', async () => {
    const { named } = setUp(RECORDS);
    expect(await named({})).toEqual(['i-0', 'i-1', 'i-2']);
    expect(await named({ selection: inZone('a') })).toEqual(['i-0', 'i-2']);
    expect(await named({ service: 'mail' })).toEqual(['i-2']);
    expect(await named({ namespace: null, service: 'mail' })).toEqual(['i-2', 'i-4']);
    expect(await named({ namespace: null, selection: inZone('a') })).toEqual(['i-0', 'i-2', 'i-3', 'i-4']);
    expect(await named({ namespace: 'nobody' })).toEqual([]);
    expect(await named({ service: 'nobody', namespace: null })).toEqual([]);
  });

  it('tests an instance again that has changed, and no other', async () => {
    const { pick } = setUp(RECORDS);
    const { instances, stillMeans } = await pick({ selection: inZone('a') });
    const [picked] = instances;
    const isStillSelected = stillMeans(instances);
    expect(isStillSelected(picked!)).toBe(true);
    const version = picked!.version + 1;
    expect(isStillSelected({ ...picked!, version, weight: 7 })).toBe(true);
    expect(isStillSelected({ ...picked!, version, zone: 'b' })).toBe(false);
  });

  it('gives up with a remedy when patterns take too many steps, however fast the machine is', async () => {
    const selection: Selection = { statuses: 'any', where: { kind: 'matches', of: ['instanceId'], pattern: '9$' } };
    for (const msPerLook of [0, 1_000_000]) {
      const few = setUp(RECORDS, { msPerLook, maxSteps: 500 });
      await expect(few.named({ selection, namespace: null })).resolves.toEqual([]);
      const many = setUp(
        Array.from({ length: 100 }, () => ({})),
        { msPerLook, maxSteps: 500 },
      );
      await expect(many.pick({ selection })).rejects.toThrow('narrow them');
      await expect(many.pick({}), 'without a pattern it takes none').resolves.toMatchObject({});
    }
  });

  it('refuses unbounded tests of patterns again, because all writers wait meanwhile', async () => {
    const text = 'a'.repeat(5_000);
    const { pick } = setUp([{ metadata: { text } }]);
    const matches: Selection = {
      statuses: 'any',
      where: { kind: 'matches', of: ['metadata', 'text'], pattern: '(a|b|ab)*z?(a+b?)*a' },
    };
    const { instances, stillMeans } = await pick({ selection: matches });
    expect(instances).toHaveLength(1);
    const changed = { ...instances[0]!, version: 99 };
    const isStillSelected = stillMeans(instances);
    expect(() => {
      for (let n = 0; n < 100_000; n++) isStillSelected(changed);
    }).toThrow('too costly');
  });
});
