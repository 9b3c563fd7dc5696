import { describe, expect, it } from 'vitest';
import { cellsOf, fivePatterns, FIVE_KINDS, KIND_NAMES, KINDS, kindsOf } from './kinds.js';

const TARGETS = { services: 10, revision: 3, changedId: 'an-id' };

const shares = (callers: number) => kindsOf('five', callers).map(({ kind, callers: each }) => [kind.name, each]);

describe('the kinds of readers', () => {
  it('give a cell for each number of callers, and one where the kind decides the number', () => {
    expect(cellsOf(['large', 'batches', 'five'], [10, 60])).toEqual([
      { name: 'large', callers: 10 },
      { name: 'large', callers: 60 },
      { name: 'batches', callers: 8 },
      { name: 'five', callers: 10 },
      { name: 'five', callers: 60 },
    ]);
  });

  it('share the callers when several ask at once, each with one at least', () => {
    expect(shares(60)).toEqual(FIVE_KINDS.kinds.map(name => [name, 12]));
    expect(shares(1)).toEqual(FIVE_KINDS.kinds.map(name => [name, 1]));
  });

  it('are named, and no other name is one', () => {
    expect(new Set(KIND_NAMES).size).toBe(KINDS.length + 1);
    expect(() => kindsOf('larg', 1)).toThrow('No such kind: larg');
  });

  it('ask for revisions that the log has, however short it is', () => {
    for (const name of ['as-of', 'diff', 'events']) {
      const repeated = KINDS.find(kind => kind.name === name)!.repeated(TARGETS);
      const paths = repeated.way === 'requests' ? repeated.requests.map(({ path }) => path) : [];
      const revisions = paths.flatMap(path =>
        [...path.matchAll(/(?:asOf|from|to)=(-?\d+)/g)].map(([, n]) => Number(n)),
      );
      expect(revisions.length).toBeGreaterThan(0);
      expect(Math.min(...revisions), name).toBeGreaterThanOrEqual(0);
      expect(Math.max(...revisions), name).toBeLessThanOrEqual(TARGETS.revision);
    }
  });

  it('search by five patterns, others each time, so that no answer can be kept', () => {
    expect(fivePatterns(1).match(/ matches /g)).toHaveLength(5);
    expect(fivePatterns(1)).not.toBe(fivePatterns(2));
    expect(fivePatterns(199).length, 'a filter has 2,000 characters at most').toBeLessThan(2_000);
  });
});
