import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newId } from '@coordination/kernel';
import { NOW } from '../../../../test/support/catalog/factories.js';
import { ChainWalk, EPOCH_JUMP, mayFollow } from '../events/chain-walk.js';
import { epochEvent, epochStartedBy } from './epoch-event.js';
import { unknownRevisionReason } from './epoch-gaps.js';

const HASH = 'c'.repeat(64);

const begin = (revision: number, known: number | undefined) =>
  epochEvent(
    { revision, hash: HASH, epoch: 'first', at: NOW, now: NOW },
    { epoch: 'second', batchId: newId(), reason: 'log-shorter', known },
  );

describe('The event that begins an epoch', () => {
  it('lies 2^32 after the head, is chained to it, and has the lost revision', () => {
    const event = begin(50, 60);
    expect(event).toMatchObject({
      revision: 50 + EPOCH_JUMP,
      previousHash: HASH,
      at: NOW,
      action: 'catalog.epoch_started',
      actor: 'system:epoch',
      source: 'system',
      namespace: null,
      instanceUuid: null,
    });
    expect(epochStartedBy(event)).toEqual({
      epoch: 'second',
      previousEpoch: 'first',
      previousRevision: 50,
      reason: 'log-shorter',
      lastKnownRevision: 60,
    });
  });

  it.each([undefined, 10, 50])('has no lost revision if none is known: %s', known => {
    expect(epochStartedBy(begin(50, known))).not.toHaveProperty('lastKnownRevision');
  });

  it('lies above every known revision, even if the same backup was restored before, and continues the chain', () => {
    const revision = fc.integer({ min: 0, max: 2 ** 50 });
    fc.assert(
      fc.property(revision, fc.option(revision, { nil: undefined }), (head, known) => {
        const event = begin(head, known);
        expect(event.revision).toBeGreaterThanOrEqual(head + EPOCH_JUMP);
        expect(event.revision).toBeGreaterThan(known ?? 0);
        expect(event.revision - EPOCH_JUMP, 'the jump is not larger than necessary').toBeLessThanOrEqual(
          Math.max(head, known ?? 0),
        );
        expect(new ChainWalk({ revision: head, hash: HASH }).next(event)).toBeUndefined();
      }),
    );
  });
});

describe('An event that may follow revision 50', () => {
  it.each([
    ['instance.updated', 51, true],
    ['instance.updated', 50, false],
    ['instance.updated', 52, false],
    ['instance.updated', 50 + EPOCH_JUMP, false],
    ['catalog.epoch_started', 51, false],
    ['catalog.epoch_started', 50, false],
    ['catalog.epoch_started', 50 - EPOCH_JUMP, false],
    ['catalog.epoch_started', 50 + EPOCH_JUMP, true],
    ['catalog.epoch_started', 50 + 3 * EPOCH_JUMP, true],
    ['catalog.epoch_started', 51 + EPOCH_JUMP, false],
  ] as const)('%s with revision %i: %s', (action, revision, expected) => {
    expect(mayFollow(50, { action, revision })).toBe(expected);
  });
});

describe('A revision', () => {
  const gaps = [
    { after: 50, before: 1_050 },
    { after: 1_060, before: 3_060 },
  ];

  it.each([
    [0, undefined],
    [50, undefined],
    [51, 'ended-epoch'],
    [1_049, 'ended-epoch'],
    [1_050, undefined],
    [1_060, undefined],
    [2_000, 'ended-epoch'],
    [3_060, undefined],
    [3_065, undefined],
    [3_066, 'above-head'],
  ])('%i of a log with gaps is unknown for the reason: %s', (revision, reason) => {
    expect(unknownRevisionReason(revision, 3_065, gaps)).toBe(reason);
  });
});
