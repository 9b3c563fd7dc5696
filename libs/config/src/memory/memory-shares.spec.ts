import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../read-settings.js';
import { defaultBudgetMb, MAX_BUDGET_MB, MIB, MIN_BUDGET_MB } from './memory-budget.js';
import { memoryShares, sharesOf } from './memory-shares.js';

const GIB = 1024 * MIB;
const V1_NONE = 9_223_372_036_854_771_712;

describe('the default budget', () => {
  it.each([
    ['80 % of the limit', { ram: 64 * GIB, limit: GIB }, 819],
    ['a limit in bytes that is no whole number of MiB', { ram: 64 * GIB, limit: GIB + 1 }, 819],
    ['a quarter of the RAM without a limit', { ram: 16 * GIB }, 4_096],
    ['512 at least without a limit', { ram: GIB }, 512],
    [
      'a quarter of the RAM with the number that version 1 writes for no limit',
      { ram: 16 * GIB, limit: V1_NONE },
      4_096,
    ],
    ['a quarter of the RAM with a limit that the machine cannot reach', { ram: 16 * GIB, limit: 17 * GIB }, 4_096],
    ['as much as is needed to run, whatever the limit', { ram: 16 * GIB, limit: 4_096 }, MIN_BUDGET_MB],
    ['a setting that is valid, on any machine', { ram: 1e20 }, MAX_BUDGET_MB],
  ])('is %s', (_, machine, budget) => {
    expect(defaultBudgetMb(machine)).toBe(budget);
  });

  it('is what this machine has, where the setting is absent', () => {
    expect(memoryShares({}).budget).toBeGreaterThanOrEqual(MIN_BUDGET_MB * MIB);
    expect(memoryShares(readSettings({}))).toEqual(memoryShares({}));
    expect(memoryShares(readSettings({ PCS_MEMORY_BUDGET_MB: '700' }))).toEqual(sharesOf(700));
  });
});

describe('the shares of a budget', () => {
  const someBudget = fc.integer({ min: MIN_BUDGET_MB, max: MAX_BUDGET_MB });

  it('never exceed it, once it is large enough for the service alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 256, max: MAX_BUDGET_MB }), budgetMb => {
        const { budget, catalog, kept, bytesUnderWay, requestBodies, heapLimit } = sharesOf(budgetMb);
        const allKept = Object.values(kept).reduce((sum, bytes) => sum + bytes);
        expect(catalog + allKept + bytesUnderWay + requestBodies).toBeLessThan(budget);
        expect(heapLimit + bytesUnderWay + requestBodies).toBeLessThan(budget);
        expect(heapLimit, 'all of the catalog and all answers must fit into the heap').toBeGreaterThan(
          catalog + allKept,
        );
        expect(bytesUnderWay + requestBodies).toBeLessThanOrEqual(budget / 6);
        expect(Number.isSafeInteger(heapLimit)).toBe(true);
      }),
    );
  });

  it('are never empty and grow with it', () => {
    fc.assert(
      fc.property(someBudget, someBudget, (one, other) => {
        const [smaller, larger] = [sharesOf(Math.min(one, other)), sharesOf(Math.max(one, other))];
        const flat = ({ kept, ...rest }: typeof smaller) => Object.values({ ...rest, ...kept });
        for (const [n, bytes] of flat(smaller).entries()) {
          expect(bytes).toBeGreaterThan(0);
          expect(flat(larger)[n]).toBeGreaterThanOrEqual(bytes);
        }
      }),
    );
  });

  it('give bytes under way an eighth of an ordinary budget, and bodies of requests a third of that', () => {
    expect(sharesOf(600)).toMatchObject({ bytesUnderWay: 75 * MIB, requestBodies: 25 * MIB });
    expect(sharesOf(6_000)).toMatchObject({ bytesUnderWay: 750 * MIB, requestBodies: 250 * MIB });
  });
});

describe('PCS_MEMORY_BUDGET_MB', () => {
  it.each([
    ['127', /must be at least 128 \(MiB\): the service cannot run with less/],
    ['0', /must be at least 128/],
    ['1073741824', /must be at most 16777216: it is a number of MiB, not of bytes/],
    ['512M', /must be a whole number of MiB, such as 1024, without a unit/],
    ['1.5', /must be a whole number of MiB/],
    ['-512', /must be a whole number of MiB/],
    ['9'.repeat(400), /must be a whole number of MiB/],
  ])('%s is refused, and the message says why', (text, message) => {
    expect(() => readSettings({ PCS_MEMORY_BUDGET_MB: text })).toThrow(message);
    expect(() => readSettings({ PCS_MEMORY_BUDGET_MB: text })).toThrow(/^Bad settings: PCS_MEMORY_BUDGET_MB /);
  });

  it('may have spaces around it and be empty, as every setting', () => {
    expect(readSettings({ PCS_MEMORY_BUDGET_MB: ' 512\n' }).PCS_MEMORY_BUDGET_MB).toBe(512);
    expect(readSettings({ PCS_MEMORY_BUDGET_MB: '' }).PCS_MEMORY_BUDGET_MB).toBeUndefined();
  });
});
