import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RevisionWaiters } from './revision-waiters.js';

/** Blocks the event loop, so that this process stalls. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('A caller that waits for a revision', () => {
  it('is not refused because this process was stalled: what arrived meanwhile is read first', async () => {
    const waiters = new RevisionWaiters();
    const waiting = waiters.wait(7, 50);
    block(400);
    // The timer of the caller runs now, before whatever has arrived is read.
    await delay(0);
    expect(waiters.size).toBe(1);
    waiters.release(7);
    expect(await waiting).toBe(true);
  });

  it('is refused when its time is over, also after a stall', async () => {
    const waiters = new RevisionWaiters();
    const waiting = waiters.wait(7, 50);
    block(400);
    expect(await waiting).toBe(false);
    expect(waiters.size).toBe(0);
  });
});
