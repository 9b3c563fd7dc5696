import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLinearizable } from './check.js';
import { type Operation, type SequentialModel } from './operation.js';

type Input = { readonly write: number } | { readonly swap: readonly [from: number, to: number] } | 'read';
type Output = number | boolean | 'written';

/** A register with compare-and-set: as little as shows everything that the algorithm does. */
const REGISTER: SequentialModel<number, Input, Output> = {
  initial: 0,
  step(state, input, output) {
    const [after, answer] = answered(state, input);
    return output === undefined || output === answer ? after : undefined;
  },
  keyOf: String,
  isEffectless: (_input, output) => output !== 'written' && output !== true,
};

function answered(state: number, input: Input): [after: number, answer: Output] {
  if (input === 'read') return [state, state];
  if ('write' in input) return [input.write, 'written'];
  const [from, to] = input.swap;
  return state === from ? [to, true] : [state, false];
}

type Entry = Operation<Input, Output>;

const op = (calledAt: number, returnedAt: number, input: Input, output?: Output): Entry => ({
  client: 'a client',
  input,
  output,
  calledAt,
  returnedAt: output === undefined ? Infinity : returnedAt,
});
const wrote = (from: number, to: number, value: number) => op(from, to, { write: value }, 'written');
const mayHaveWritten = (from: number, value: number) => op(from, Infinity, { write: value });
const read = (from: number, to: number, value: number) => op(from, to, 'read', value);

const outcomeOf = (...history: Entry[]) => checkLinearizable(REGISTER, history).outcome;

describe('a history is linearizable', () => {
  it.each<[string, Entry[]]>([
    ['of nobody', []],
    ['of one after the other', [wrote(0, 1, 5), read(2, 3, 5), wrote(4, 5, 6), read(6, 7, 6)]],
    ['where a read overlaps a write and sees it', [wrote(0, 9, 5), read(1, 2, 5)]],
    ['where a read overlaps a write and does not see it', [wrote(0, 9, 5), read(1, 2, 0)]],
    ['where two writes overlap, in the other order', [wrote(0, 9, 1), wrote(1, 8, 2), read(10, 11, 1)]],
    ['where what nobody knows of happened', [mayHaveWritten(0, 5), read(1, 2, 5)]],
    ['where what nobody knows of did not happen', [mayHaveWritten(0, 5), read(1, 2, 0), read(3, 4, 0)]],
    ['where what nobody knows of happened much later', [mayHaveWritten(0, 5), wrote(1, 2, 6), read(3, 4, 5)]],
    ['where calls and returns fall together', [wrote(0, 1, 5), read(1, 2, 0)]],
    [
      'of swaps of which one wins',
      [op(0, 9, { swap: [0, 1] }, true), op(0, 9, { swap: [0, 2] }, false), read(10, 11, 1)],
    ],
  ])('%s', (_name, history) => {
    expect(outcomeOf(...history)).toBe('linearizable');
  });
});

describe('a history is not linearizable', () => {
  it.each<[string, Entry[]]>([
    ['with a stale read', [wrote(0, 1, 5), read(2, 3, 0)]],
    ['with a read of what nobody wrote', [wrote(0, 1, 5), read(2, 3, 7)]],
    ['with a read of what is written later', [read(0, 1, 5), wrote(2, 3, 5)]],
    ['with a value that comes and goes', [wrote(0, 9, 5), read(1, 2, 5), read(3, 4, 0)]],
    ['with what nobody knows of seen before it was asked for', [read(0, 1, 5), mayHaveWritten(2, 5)]],
    ['with what nobody knows of happening twice', [mayHaveWritten(0, 5), read(1, 2, 5), wrote(3, 4, 6), read(5, 6, 5)]],
    ['with two swaps from the same value', [op(0, 9, { swap: [0, 1] }, true), op(1, 8, { swap: [0, 2] }, true)]],
    ['with a lost update', [op(0, 1, { swap: [0, 1] }, true), op(2, 3, { swap: [0, 2] }, true)]],
    [
      'with readers that see two writes in other orders',
      [wrote(0, 20, 1), wrote(0, 20, 2), read(1, 2, 1), read(3, 4, 2), read(5, 6, 1)],
    ],
  ])('%s', (_name, history) => {
    expect(outcomeOf(...history)).toBe('violated');
  });
});

describe('the check', () => {
  it('names the operation that cannot be, and what may have been there before', () => {
    const verdict = checkLinearizable(REGISTER, [wrote(0, 1, 5), mayHaveWritten(2, 6), read(3, 4, 7)]);
    expect(verdict).toEqual({ outcome: 'violated', culprit: 2, possible: [5] });
  });

  it('decides as trying every order does', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 6 }), history => {
        expect(checkLinearizable(REGISTER, history).outcome === 'linearizable').toBe(hasOrder(0, history));
      }),
      { numRuns: 2_000 },
    );
  });

  it('accepts whatever a register does, with hundreds of operations and dozens of unknown outcomes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyInput, fc.nat(20), fc.nat(20), fc.nat(9)), { maxLength: 400 }), steps => {
        expect(checkLinearizable(REGISTER, played(steps)).outcome).toBe('linearizable');
      }),
      { numRuns: 30 },
    );
  });

  it('finds a read in such a history that was of another value', () => {
    const steps = fc.array(fc.tuple(anyInput, fc.nat(20), fc.nat(20), fc.nat(9)), { minLength: 20, maxLength: 300 });
    fc.assert(
      fc.property(steps, fc.nat(), (steps, chosen) => {
        const history = played(steps);
        const reads = history.filter(({ input, output }) => input === 'read' && output !== undefined);
        fc.pre(reads.length > 0);
        const victim = reads[chosen % reads.length];
        const corrupted = history.map(entry => (entry === victim ? { ...entry, output: 1_000 } : entry));
        expect(checkLinearizable(REGISTER, corrupted).outcome).toBe('violated');
      }),
      { numRuns: 50 },
    );
  });

  it('gives up rather than to go on for ever', () => {
    const atOnce = Array.from({ length: 30 }, (_, n) => wrote(0, 100, n + 1));
    expect(checkLinearizable(REGISTER, [...atOnce, read(101, 102, 99)], 50_000).outcome).toBe('undecided');
  });
});

const aValue = fc.nat(3);
const anyInput: fc.Arbitrary<Input> = fc.oneof(
  fc.constant('read' as const),
  aValue.map(write => ({ write })),
  fc.tuple(aValue, aValue).map(swap => ({ swap })),
);

/** Anything that may have been told, whether it can be or not. */
const anyEntry = fc
  .tuple(fc.nat(12), fc.integer({ min: 1, max: 6 }), anyInput, fc.nat(4), fc.boolean(), fc.nat(5))
  .map(([from, length, input, value, swapped, known]) => {
    if (known === 0) return op(from, Infinity, input);
    const output = input === 'read' ? value : 'write' in input ? ('written' as const) : swapped;
    return op(from, from + length, input, output);
  });

/** Whether some order of the operations obeys the clock and the register. */
function hasOrder(state: number, left: readonly Entry[]): boolean {
  if (left.every(({ output }) => output === undefined)) return true;
  const firstReturn = Math.min(...left.map(({ returnedAt }) => returnedAt));
  return left.some(entry => {
    if (entry.calledAt > firstReturn) return false;
    const after = REGISTER.step(state, entry.input, entry.output);
    return (
      after !== undefined &&
      hasOrder(
        after,
        left.filter(other => other !== entry),
      )
    );
  });
}

/** A history that a register has answered: each operation takes effect some time after its call and before its return. */
function played(steps: readonly (readonly [Input, number, number, number])[]): Entry[] {
  let state = 0;
  return steps.map(([input, before, after, known], n) => {
    const effect = n * 10;
    const [calledAt, returnedAt] = [effect - before, effect + after];
    // What nobody knows of may not have happened at all.
    if (known === 0) return op(calledAt, Infinity, input);
    const [next, answer] = answered(state, input);
    state = next;
    return known === 1 ? op(calledAt, Infinity, input) : op(calledAt, returnedAt, input, answer);
  });
}
