import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { repeat } from './repeat.js';

const HOUR_MS = 3_600_000;

describe('repeat', () => {
  it('does one turn after the other, never two at once, until it is told to end', async () => {
    const ending = new AbortController();
    let running = 0;
    let turns = 0;
    await repeat(
      async () => {
        expect(++running).toBe(1);
        await nextTurnOfLoop();
        running -= 1;
        if (++turns === 20) ending.abort();
      },
      { everyMs: 1, signal: ending.signal },
    );
    expect(turns).toBe(20);
  });

  it('pauses as long as a turn asks, else as long as usual', async () => {
    const ending = new AbortController();
    let turns = 0;
    const usual = Promise.withResolvers<void>();
    const repeating = repeat(
      async () => {
        turns += 1;
        if (turns < 5) return 0;
        usual.resolve();
        return undefined;
      },
      { everyMs: HOUR_MS, signal: ending.signal },
    );
    await usual.promise;
    for (let n = 0; n < 100; n++) await nextTurnOfLoop();
    expect(turns).toBe(5);
    ending.abort();
    // The hour is not waited for.
    await repeating;
  });

  it('does nothing when it is over before it begins', async () => {
    await repeat(() => Promise.reject(new Error('a turn')), { everyMs: 0, signal: AbortSignal.abort() });
  });
});
