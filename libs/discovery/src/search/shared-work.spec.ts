import { describe, expect, it } from 'vitest';
import { SharedWork } from './shared-work.js';

function setUp() {
  const work = new SharedWork<string>();
  const begun: { readonly signal: AbortSignal; readonly finish: (result: string) => void }[] = [];
  const join = (name: string, signal?: AbortSignal) =>
    work.join(
      name,
      ofWork =>
        new Promise((resolve, reject) => {
          begun.push({ signal: ofWork, finish: resolve });
          ofWork.addEventListener('abort', () => reject(ofWork.reason as Error), { once: true });
        }),
      signal,
    );
  return { work, begun, join };
}

const fail = () => Promise.reject(new Error('broken'));

describe('shared work', () => {
  it('is done once for all who ask while it is under way, and again for those who ask later', async () => {
    const { work, begun, join } = setUp();
    const all = [join('a'), join('a'), join('b')];
    expect(begun).toHaveLength(2);
    begun[0]!.finish('one');
    begun[1]!.finish('other');
    expect(await Promise.all(all)).toEqual(['one', 'one', 'other']);
    expect(work.size).toBe(0);
    void join('a');
    expect(begun).toHaveLength(3);
  });

  it('is aborted only when all callers are gone; who asks then gets other work', async () => {
    const { work, begun, join } = setUp();
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [join('a', first.signal), join('a', second.signal)];
    first.abort(new Error('first'));
    await expect(calls[0]).rejects.toThrow('first');
    expect(begun[0]!.signal.aborted).toBe(false);
    second.abort(new Error('second'));
    await expect(calls[1]).rejects.toThrow('second');
    expect(begun[0]!.signal.aborted).toBe(true);
    expect(work.size).toBe(0);
    const later = join('a');
    begun[1]!.finish('anew');
    expect(await later).toBe('anew');
  });

  it('fails for all who wait for it, and is forgotten', async () => {
    const work = new SharedWork<string>();
    const calls = [work.join('a', fail), work.join('a', fail)];
    for (const call of calls) await expect(call).rejects.toThrow('broken');
    expect(await work.join('a', () => Promise.resolve('fine'))).toBe('fine');
  });

  it('does not begin for a caller that is gone already', async () => {
    const { begun, join } = setUp();
    await expect(join('a', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(begun).toEqual([]);
  });
});
