import { expect, it } from 'vitest';
import { latenessOf } from './lateness.js';

const WITHIN = { from: 10_000, to: 20_000, intervalMs: 1_000 };

it('Probes are late by what they come after their interval, which the service makes up to 5 % longer', () => {
  expect(latenessOf([9_500, 10_500, 11_549, 13_000, 19_500], WITHIN)).toEqual([0, 0, 401, 5_450]);
});

it('A probe that does not come is late by its age', () => {
  expect(latenessOf([9_900, 10_900], WITHIN)).toEqual([0, 8_050]);
  expect(latenessOf([9_900], WITHIN)).toEqual([9_050]);
  expect(latenessOf([], WITHIN), 'an instance that was never probed is not late').toEqual([8_950]);
});

it('What was late before does not count', () => {
  expect(latenessOf([1_000, 9_000, 10_100], { ...WITHIN, to: 10_200 })).toEqual([50]);
});
