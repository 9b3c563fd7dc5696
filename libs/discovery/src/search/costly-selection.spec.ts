import { describe, expect, it } from 'vitest';
import { InvalidFilterError, StoreUnavailableError } from '@coordination/kernel';
import { orTooCostly } from './costly-selection.js';
import { type Expression } from '../selection/expression.js';
import { EVERYTHING, type Selection } from '../selection/selection.js';

const one: Expression = { kind: 'empty', of: ['zone'] };
const asking = (comparisons: number): Selection => ({
  ...EVERYTHING,
  where: { kind: 'or', terms: Array.from({ length: comparisons }, () => one) },
});

const failing = (code: string) => () =>
  Promise.reject(new StoreUnavailableError({ cause: Object.assign(new Error('of the server'), { code }) }));

describe('a statement that timed out', () => {
  it('is too costly if it has many comparisons', async () => {
    await expect(orTooCostly(asking(50), failing('57014'))).rejects.toThrow(InvalidFilterError);
  });

  it('is worth another try if it has few comparisons, or if the error is another one', async () => {
    await expect(orTooCostly(asking(3), failing('57014'))).rejects.toThrow(StoreUnavailableError);
    await expect(orTooCostly(EVERYTHING, failing('57014'))).rejects.toThrow(StoreUnavailableError);
    await expect(orTooCostly(asking(50), failing('57P01'))).rejects.toThrow(StoreUnavailableError);
    await expect(orTooCostly(asking(50), () => Promise.reject(new Error('ours')))).rejects.toThrow('ours');
    await expect(orTooCostly(asking(50), () => Promise.resolve('answer'))).resolves.toBe('answer');
  });
});
