import { describe, expect, it } from 'vitest';
import { toChange } from '@coordination/catalog';
import { anInstance } from '../../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../../test/support/log/log-in-memory.js';
import { expectedFrame } from '../../../../../test/support/watch/watch-guarantees.js';
import { ChangeFrames } from './change-sse.js';
import { bookmarkFrame, resetFrame, retryFrame } from './sse-frames.js';

const isHeavy = ({ weight }: { readonly weight: number }) => weight >= 5;

function logOf(weights: readonly number[], metadata = {}): LogInMemory {
  const log = new LogInMemory();
  const { id } = anInstance();
  for (const weight of weights) {
    if (weight > 0) log.put(anInstance({ id, weight, metadata }));
    else log.remove(id);
  }
  return log;
}

describe('the frame of a change', () => {
  it('has the change of the log in one line of data', () => {
    const { events } = logOf([9, 8, 1, 2, 7, 0, 1, 0], { text: 'a\r\nb\u2028c\n\nevent: forged' });
    const frames = new ChangeFrames();
    for (const event of events) {
      const expected = expectedFrame(event, isHeavy);
      const told = frames.frameOf(toChange(event)!, isHeavy)?.toString();
      if (!expected) {
        expect(told).toBeUndefined();
        continue;
      }
      const [, id, name, json = ''] = /^id: (\d+)\nevent: ([a-z._]+)\ndata: ([^\r\n]*)\n\n$/.exec(told ?? '') ?? [];
      const { event: expectedName, ...data } = expected;
      expect([Number(id), name]).toEqual([event.revision, expectedName]);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(data)));
    }
  });

  it('is encoded once for all watchers, and separately for those whose selection the instance left', () => {
    const [, second] = logOf([9, 1]).events.map(event => toChange(event)!);
    const frames = new ChangeFrames();
    const all = frames.frameOf(second!, () => true);
    const left = frames.frameOf(second!, isHeavy);
    expect(frames.frameOf(second!, () => true)).toBe(all);
    expect(frames.frameOf(second!, isHeavy)).toBe(left);
    expect(left).not.toEqual(all);
  });

  it('keeps no memory but its own, as long as it is kept', () => {
    const [, second] = logOf([9, 1], { text: '→ ä' }).events.map(event => toChange(event)!);
    const frames = new ChangeFrames();
    for (const frame of [frames.frameOf(second!, () => true)!, frames.frameOf(second!, isHeavy)!]) {
      expect(frame.buffer.byteLength).toBe(frame.length);
    }
  });
});

describe('what is no change', () => {
  it('has an id to go on from, none where there is nothing to go on from, or is no event at all', () => {
    expect(bookmarkFrame(7).toString()).toBe('id: 7\nevent: bookmark\ndata: {"revision":7}\n\n');
    expect(resetFrame(7, 'too_slow').toString()).toBe(
      'id: \nevent: reset\ndata: {"revision":7,"reason":"too_slow"}\n\n',
    );
    expect(retryFrame(1_234).toString()).toBe('retry: 1234\n\n');
  });
});
