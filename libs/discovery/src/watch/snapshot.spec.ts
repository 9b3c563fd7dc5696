import { describe, expect, it } from 'vitest';
import { InvalidFilterError } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { watchedView } from '../../../../test/support/watch/watched-view.js';
import { EVERYTHING, type Selection } from '../selection/selection.js';
import { selected, snapshotPieces } from './snapshot.js';

function inhabited() {
  const { view, log } = watchedView();
  for (const namespace of ['default', 'shop']) {
    for (const service of ['orders', 'billing']) {
      for (const weight of [1, 9]) {
        const instance = anInstance({ namespace, service, instanceId: `${service}-${weight}`, weight });
        view.apply([log.put(instance)]);
      }
    }
  }
  return view;
}

const aTurn = () => new Scheduler().begin({ workClass: 'heavy' });

const HEAVY: Selection = { statuses: 'any', where: { kind: 'ordered', of: ['weight'], by: '>', than: 5 } };

describe('a snapshot', () => {
  it.each([
    [null, null, 8],
    ['shop', null, 4],
    [null, 'orders', 4],
    ['shop', 'orders', 2],
    ['nowhere', null, 0],
    ['shop', 'nothing', 0],
  ])('of namespace %s and service %s has what is in it', async (namespace, service, count) => {
    const records = [...inhabited().instancesIn({ namespace, service })];
    expect(records).toHaveLength(count);
    expect(records.every(record => namespace === null || record.namespace === namespace)).toBe(true);
    expect(records.every(record => service === null || record.service === service)).toBe(true);
    expect(await selected(records, EVERYTHING, aTurn())).toEqual(records);
    expect(await selected(records, HEAVY, aTurn())).toEqual(records.filter(({ weight }) => weight === 9));
  });

  it('is one event however large it is, and comes in pieces', () => {
    const records = Array.from({ length: 500 }, (_, n) =>
      anInstance({ instanceId: `i-${n}`, metadata: { text: 'é\n'.repeat(200) } }),
    );
    const pieces = [...snapshotPieces(7, records)].filter(piece => piece !== undefined);
    expect(pieces.length).toBeGreaterThan(2);
    const [, json = ''] = /^id: 7\nevent: snapshot\ndata: (.*)\n\n$/.exec(Buffer.concat(pieces).toString()) ?? [];
    expect(JSON.parse(json)).toEqual({ revision: 7, instances: records });
    expect([...snapshotPieces(0, [])].join('')).toBe('id: 0\nevent: snapshot\ndata: {"revision":0,"instances":[]}\n\n');
  });

  it('is serialised some instances at a time, although these do not fill a piece', () => {
    const serialised: number[] = [];
    const records = Array.from({ length: 100 }, (_, n) =>
      Object.defineProperty(anInstance({ instanceId: `i-${n}` }), 'host', {
        enumerable: true,
        get() {
          serialised.push(n);
          return 'a-host';
        },
      }),
    );
    let before = 0;
    for (const _ of snapshotPieces(1, records)) {
      expect(serialised.length - before, 'instances in one step').toBeLessThanOrEqual(16);
      before = serialised.length;
    }
    expect(new Set(serialised).size).toBe(100);
  });

  it('of too costly a pattern is refused before anything is answered', async () => {
    const records = Array.from({ length: 5_000 }, () => anInstance({ zone: 'a'.repeat(250) }));
    const where = { kind: 'matches', of: ['zone'], pattern: '(a?){30}(b?){30}c$' } as const;
    await expect(selected(records, { statuses: 'any', where }, aTurn())).rejects.toThrow(InvalidFilterError);
  });
});
