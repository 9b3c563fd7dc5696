import { describe, expect, it } from 'vitest';
import { assertReachedRange, assertVerified } from './verified-range.js';

const verdict = (revision: number, checked = 0, valid = true) => ({
  valid,
  checked,
  head: { revision, hash: 'a'.repeat(64) },
  firstBroken: valid ? null : { revision: 1, reason: 'EVENT_MISSING' as const },
});

describe('assertVerified()', () => {
  it.each([
    [{ from: 10 }, 9, 'the log does not reach that far'],
    [{ from: 10, to: 20 }, 9, 'the log does not reach that far'],
    [{ to: 1 }, 0, 'the log does not reach that far'],
    [{ from: 5, to: 7 }, 9, 'a history that has ended'],
    [{ to: 7 }, 9, 'a history that has ended'],
  ])('refuses, if no event was verified, the range %j of a log up to %i', (range, head, why) => {
    expect(() => assertVerified(range, verdict(head))).toThrow(why);
  });

  it('accepts the whole log, a break, and a range of which an event was verified', () => {
    assertVerified({}, verdict(0));
    assertVerified({ from: 5, to: 7 }, verdict(9, 0, false));
    assertVerified({ from: 9, to: 1_000 }, verdict(9, 1));
  });
});

it('assertReachedRange() refuses a range that begins above the head', () => {
  assertReachedRange({ from: 9 }, { revision: 9 });
  assertReachedRange({ to: 10 }, { revision: 9 });
  expect(() => assertReachedRange({ from: 10 }, { revision: 9 })).toThrow('does not know revision 10');
});
