import { describe, expect, it } from 'vitest';
import { EPOCH_JUMP } from '@coordination/log/testing';
import { anInstance } from '../../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../../test/support/log/log-in-memory.js';
import { LogPages } from './log-pages.js';
import { resetReasonFor, toSegment } from './log-segment.js';

const PAGE_SIZE = 5;

/** Pages of a log of which the events up to `oldest` may be gone. */
function paged(length: number, { oldest = 0 } = {}) {
  const log = new LogInMemory();
  const { id } = anInstance();
  for (let n = 0; n < length; n++) log.put(anInstance({ id, weight: n }));
  const asked: number[] = [];
  const read = async (after: number, limit: number) => {
    asked.push(after);
    await Promise.resolve();
    const events = log.events.filter(({ revision }) => revision > Math.max(after, oldest)).slice(0, limit);
    return toSegment(after, log.head, events);
  };
  const pages = new LogPages({ read }, PAGE_SIZE);
  return { log, pages, asked, around: (revision: number) => pages.around(revision, log.epoch) };
}

const revisionsOf = ({ changes }: Awaited<ReturnType<LogPages['around']>>) => changes.map(({ revision }) => revision);

describe('pages of the log', () => {
  it('are read once for all who come at once, or later, wherever in the page they are', async () => {
    const { around, asked } = paged(20);
    await Promise.all([5, 6, 7, 9, 5].map(around));
    expect(revisionsOf(await around(8))).toEqual([6, 7, 8, 9, 10]);
    expect(asked).toEqual([5]);
  });

  it('are read again when they were not full and a later event is needed', async () => {
    const { log, around, asked } = paged(7);
    expect(revisionsOf(await around(6))).toEqual([6, 7]);
    log.put(anInstance());
    expect(revisionsOf(await around(6)), 'what was known is enough').toEqual([6, 7]);
    expect(revisionsOf(await around(7))).toEqual([6, 7, 8]);
    expect(asked).toEqual([5, 5]);
  });

  it('fail for concurrent callers, and are read again by the next one', async () => {
    let isAway = true;
    const log = new LogInMemory();
    const read = async () => {
      await Promise.resolve();
      if (isAway) throw new Error('away');
      return toSegment(0, log.head, log.events);
    };
    const pages = new LogPages({ read });
    await expect(Promise.all([pages.around(0, log.epoch), pages.around(0, log.epoch)])).rejects.toThrow('away');
    isAway = false;
    log.put(anInstance());
    expect(revisionsOf(await pages.around(0, log.epoch))).toEqual([1]);
  });
});

describe('a watcher that has everything up to a revision', () => {
  it('can go on within the log, with events in it that are about no instance', async () => {
    const { log, around } = paged(6);
    log.appendOther();
    const stretch = await around(6);
    expect(resetReasonFor(stretch, 6, log.epoch)).toBeUndefined();
    expect(stretch.upTo, 'the watcher has that revision too').toBe(7);
  });

  it('cannot go on where the log was cut', async () => {
    const { log, around } = paged(20, { oldest: 7 });
    const stretch = await around(6);
    expect(resetReasonFor(stretch, 6, log.epoch)).toBe('compacted');
    expect(resetReasonFor(stretch, 7, log.epoch)).toBeUndefined();
  });

  it('cannot go on beyond the end of an epoch, but up to it', async () => {
    const { log, around } = paged(7);
    log.appendOther('catalog.epoch_started', 7 + EPOCH_JUMP);
    const stretch = await around(6);
    expect(resetReasonFor(stretch, 6, log.epoch)).toBeUndefined();
    expect(stretch.upTo).toBe(7);
    expect(resetReasonFor(stretch, 7, log.epoch)).toBe('new_epoch');
    expect(resetReasonFor(await around(1_000), 1_000, log.epoch), 'no revision of the gap was ever used').toBe(
      'new_epoch',
    );
  });

  it('cannot continue in another epoch, whatever the revisions', async () => {
    const { around } = paged(7);
    expect(resetReasonFor(await around(3), 3, 'another')).toBe('new_epoch');
  });
});
