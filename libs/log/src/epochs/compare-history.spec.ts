import { describe, expect, it } from 'vitest';
import { FIRST_PREVIOUS_HASH } from '../events/hash-chain.js';
import { contradicts, type Evidence, type LogPosition, laterOf, compareHistory } from './compare-history.js';

const HERE = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const FIRST_EPOCH = '019b0f1e-0000-7000-8000-000000000001';
const SECOND_EPOCH = '019b0f1e-0000-7000-8000-000000000002';

const known: LogPosition = { revision: 100, hash: HERE, epoch: FIRST_EPOCH };
const nothing: LogPosition = { revision: 0, hash: FIRST_PREVIOUS_HASH, epoch: FIRST_EPOCH };

const evidence = (over: Partial<Evidence> & { readonly at?: number; readonly epoch?: string } = {}): Evidence => {
  const { at = 100, epoch = FIRST_EPOCH, ...rest } = over;
  return { head: { revision: at, epoch }, elsewhere: false, known, hashThere: HERE, epochStart: 0, ...rest };
};

describe('what a log is to a node', () => {
  it.each([
    ['it stands where the node does', evidence(), 'continued'],
    ['it has gone on', evidence({ at: 150 }), 'continued'],
    ['a later epoch has begun without a loss', evidence({ at: 9e9, epoch: SECOND_EPOCH }), 'continued'],
    ['it has come to another server whole', evidence({ elsewhere: true }), 'moved'],
    ['it has come to another server whole, and gone on', evidence({ elsewhere: true, at: 150 }), 'moved'],
    [
      'what the node knows was lost, and that is settled',
      evidence({ at: 9e9, epoch: SECOND_EPOCH, hashThere: null, epochStart: 9e9 }),
      'superseded',
    ],
    [
      'that was settled, but then it came to yet another server',
      evidence({ at: 9e9, epoch: SECOND_EPOCH, hashThere: null, epochStart: 9e9, elsewhere: true }),
      'unconfirmed',
    ],
    ['the node knows nothing', evidence({ known: undefined, hashThere: null }), 'continued'],
    [
      'the node knows nothing, and it has come to another server',
      evidence({ known: undefined, hashThere: null, elsewhere: true }),
      'unconfirmed',
    ],
    [
      'the node knows that it was empty, as every other was once',
      evidence({ known: nothing, hashThere: FIRST_PREVIOUS_HASH, epoch: SECOND_EPOCH, elsewhere: true }),
      'unconfirmed',
    ],
    [
      'the node knows that this one was empty',
      evidence({ known: nothing, hashThere: FIRST_PREVIOUS_HASH, elsewhere: true }),
      'moved',
    ],
  ])('%s', (_, given, kind) => {
    expect(compareHistory(given)).toEqual({ kind });
  });

  it.each([
    ['it is shorter than it was', evidence({ at: 99, hashThere: null }), 'log-shorter'],
    ['it is shorter, on another server', evidence({ at: 99, hashThere: null, elsewhere: true }), 'log-shorter'],
    ['it is empty', evidence({ at: 0, hashThere: null, epoch: SECOND_EPOCH }), 'log-shorter'],
    ['it is as long, with another end', evidence({ hashThere: OTHER }), 'event-differs'],
    ['it has overtaken what was lost', evidence({ at: 150, hashThere: OTHER }), 'event-differs'],
    [
      'it has jumped over what was lost long ago',
      evidence({ at: 9e9, hashThere: null, epochStart: 50 }),
      'event-missing',
    ],
    [
      'an earlier epoch was restored',
      evidence({ at: 60, hashThere: null, epoch: SECOND_EPOCH, epochStart: 50 }),
      'log-shorter',
    ],
  ])('is broken: %s', (_, given, reason) => {
    expect(compareHistory(given)).toEqual({ kind: 'broken', reason });
  });
});

describe('a head that was read later than a place was known', () => {
  it.each([
    ['the same', known, false],
    ['a later one', { ...known, revision: 101, hash: OTHER }, false],
    ['an earlier one', { ...known, revision: 99 }, true],
    ['another event at the same revision', { ...known, hash: OTHER }, true],
    ['an earlier one of another epoch', { ...known, revision: 99, epoch: SECOND_EPOCH }, false],
  ])('contradicts it or not: %s', (_, head, expected) => {
    expect(contradicts(head, known)).toBe(expected);
    expect(contradicts(head, undefined)).toBe(false);
  });
});

describe('the later of two places', () => {
  it('is the one with the higher revision, or the only one', () => {
    const later = { ...known, revision: 101 };
    expect(laterOf(known, later)).toBe(later);
    expect(laterOf(later, known)).toBe(later);
    expect(laterOf(undefined, known)).toBe(known);
    expect(laterOf(known, undefined)).toBe(known);
    expect(laterOf(undefined, undefined)).toBeUndefined();
  });
});
