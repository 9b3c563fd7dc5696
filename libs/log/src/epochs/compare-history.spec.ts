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
  return { head: { revision: at, epoch }, hasMoved: false, known, hashInLog: HERE, epochStart: 0, ...rest };
};

describe('The history of a log, compared with what a node knows,', () => {
  it.each([
    ['continues: the head is what the node knows', evidence(), 'continued'],
    ['continues: there are later events', evidence({ at: 150 }), 'continued'],
    [
      'continues: a later epoch has begun, and nothing known was lost',
      evidence({ at: 9e9, epoch: SECOND_EPOCH }),
      'continued',
    ],
    ['is complete on another server', evidence({ hasMoved: true }), 'moved'],
    ['is complete on another server, with later events', evidence({ hasMoved: true, at: 150 }), 'moved'],
    [
      'is superseded: what the node knows was lost, and a later epoch has begun',
      evidence({ at: 9e9, epoch: SECOND_EPOCH, hashInLog: null, epochStart: 9e9 }),
      'superseded',
    ],
    [
      'is superseded, but has moved to another server since',
      evidence({ at: 9e9, epoch: SECOND_EPOCH, hashInLog: null, epochStart: 9e9, hasMoved: true }),
      'unconfirmed',
    ],
    ['continues: the node knows nothing', evidence({ known: undefined, hashInLog: null }), 'continued'],
    [
      'has moved, and the node knows nothing',
      evidence({ known: undefined, hashInLog: null, hasMoved: true }),
      'unconfirmed',
    ],
    [
      'has moved, and the node knows only an empty log of another epoch',
      evidence({ known: nothing, hashInLog: FIRST_PREVIOUS_HASH, epoch: SECOND_EPOCH, hasMoved: true }),
      'unconfirmed',
    ],
    [
      'has moved, and the node knows that it was empty',
      evidence({ known: nothing, hashInLog: FIRST_PREVIOUS_HASH, hasMoved: true }),
      'moved',
    ],
  ])('%s', (_, given, kind) => {
    expect(compareHistory(given)).toEqual({ kind });
  });

  it.each([
    ['the log is shorter than before', evidence({ at: 99, hashInLog: null }), 'log-shorter'],
    ['the log is shorter, on another server', evidence({ at: 99, hashInLog: null, hasMoved: true }), 'log-shorter'],
    ['the log is empty', evidence({ at: 0, hashInLog: null, epoch: SECOND_EPOCH }), 'log-shorter'],
    ['the log is as long, with another last event', evidence({ hashInLog: OTHER }), 'event-differs'],
    ['the log has other events up to a higher revision', evidence({ at: 150, hashInLog: OTHER }), 'event-differs'],
    [
      'the log jumped over the lost events long ago',
      evidence({ at: 9e9, hashInLog: null, epochStart: 50 }),
      'event-missing',
    ],
    [
      'a backup of an earlier epoch was restored',
      evidence({ at: 60, hashInLog: null, epoch: SECOND_EPOCH, epochStart: 50 }),
      'log-shorter',
    ],
  ])('is broken: %s', (_, given, reason) => {
    expect(compareHistory(given)).toEqual({ kind: 'broken', reason });
  });
});

describe('A head that was read after a position became known', () => {
  it.each([
    ['the same', known, false],
    ['a later one', { ...known, revision: 101, hash: OTHER }, false],
    ['an earlier one', { ...known, revision: 99 }, true],
    ['another event at the same revision', { ...known, hash: OTHER }, true],
    ['an earlier one of another epoch', { ...known, revision: 99, epoch: SECOND_EPOCH }, false],
  ])('contradicts the position or not: %s', (_, head, expected) => {
    expect(contradicts(head, known)).toBe(expected);
    expect(contradicts(head, undefined)).toBe(false);
  });
});

describe('The later of two positions', () => {
  it('has the higher revision, or is the only one', () => {
    const later = { ...known, revision: 101 };
    expect(laterOf(known, later)).toBe(later);
    expect(laterOf(later, known)).toBe(later);
    expect(laterOf(undefined, known)).toBe(known);
    expect(laterOf(known, undefined)).toBe(known);
    expect(laterOf(undefined, undefined)).toBeUndefined();
  });
});
