import { describe, expect, it } from 'vitest';
import { InvalidFilterError, systemClock } from '@coordination/kernel';
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
    expect(await selected(records, EVERYTHING, systemClock)).toEqual(records);
    expect(await selected(records, HEAVY, systemClock)).toEqual(records.filter(({ weight }) => weight === 9));
  });

  it('is one event however large it is, and comes in pieces', () => {
    const records = Array.from({ length: 500 }, (_, n) =>
      anInstance({ instanceId: `i-${n}`, metadata: { text: 'é\n'.repeat(200) } }),
    );
    const pieces = [...snapshotPieces(7, records)];
    expect(pieces.length).toBeGreaterThan(2);
    const [, json = ''] = /^id: 7\nevent: snapshot\ndata: (.*)\n\n$/.exec(Buffer.concat(pieces).toString()) ?? [];
    expect(JSON.parse(json)).toEqual({ revision: 7, instances: records });
    expect(Buffer.concat([...snapshotPieces(0, [])]).toString()).toBe(
      'id: 0\nevent: snapshot\ndata: {"revision":0,"instances":[]}\n\n',
    );
  });

  it('of too costly a pattern is refused before anything is answered', async () => {
    const records = Array.from({ length: 5_000 }, () => anInstance({ zone: 'a'.repeat(250) }));
    const where = { kind: 'matches', of: ['zone'], pattern: '(a?){30}(b?){30}c$' } as const;
    await expect(selected(records, { statuses: 'any', where }, systemClock)).rejects.toThrow(InvalidFilterError);
  });
});
