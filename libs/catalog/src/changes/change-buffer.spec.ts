import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { type CatalogChange } from '../view/catalog-change.js';
import { ChangeBuffer } from './change-buffer.js';

const aChange = (revision: number, metadata = {}): CatalogChange => ({
  revision,
  action: 'instance.registered',
  namespace: 'default',
  service: 'orders',
  before: null,
  after: anInstance({ revision, metadata }),
});

const revisionsOf = (changes: readonly CatalogChange[] | undefined) => changes?.map(({ revision }) => revision);

describe('the buffer of changes', () => {
  it('returns the newest changes after a revision, or undefined when some were evicted (a gap must not go unnoticed)', () => {
    const run = fc.record({
      begin: fc.nat(5),
      steps: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 60 }),
      maxChanges: fc.integer({ min: 1, max: 10 }),
      asked: fc.nat(80),
      limit: fc.integer({ min: 1, max: 70 }),
    });
    fc.assert(
      fc.property(run, ({ begin, steps, maxChanges, asked, limit }) => {
        const buffer = new ChangeBuffer({ maxChanges, maxBytes: Infinity });
        buffer.restart(begin);
        let revision = begin;
        // Revisions that are about no instance leave holes.
        const all = steps.map(step => (revision += step));
        for (const each of all) buffer.push(aChange(each));

        const kept = all.slice(-maxChanges);
        const floor = all.length > maxChanges ? all.at(-maxChanges - 1)! : begin;
        expect(buffer.floor).toBe(floor);
        expect(buffer.size).toBe(kept.length);
        const expected = asked < floor ? undefined : kept.filter(each => each > asked).slice(0, limit);
        expect(revisionsOf(buffer.after(asked, limit))).toEqual(expected);
      }),
    );
  });

  it('is bounded by bytes too, but keeps the newest change whatever it weighs', () => {
    const buffer = new ChangeBuffer({ maxChanges: 100, maxBytes: 100_000 });
    buffer.restart(0);
    for (let revision = 1; revision <= 20; revision++) buffer.push(aChange(revision, { text: 'x'.repeat(30_000) }));
    expect(revisionsOf(buffer.after(buffer.floor, 100))).toEqual([18, 19, 20]);
    buffer.push(aChange(21, { text: 'x'.repeat(200_000) }));
    expect(revisionsOf(buffer.after(20, 100))).toEqual([21]);
    expect(buffer.after(19, 100)).toBeUndefined();
  });

  it('knows nothing of what was before a restart', () => {
    const buffer = new ChangeBuffer({ maxChanges: 100, maxBytes: Infinity });
    buffer.restart(0);
    buffer.push(aChange(1));
    buffer.restart(7);
    expect(buffer.after(1, 100)).toBeUndefined();
    expect(buffer.after(7, 100)).toEqual([]);
  });
});
