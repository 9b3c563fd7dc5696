import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock } from '@coordination/kernel';
import { FairScheduler, type Worker } from './fair-scheduler.js';

const PIECE_MS = 4;

/** A clock that moves by a piece of work. */
function workshop() {
  const clock: Clock & { ms: number } = { ms: 0, now: () => new Date(0), monotonicMs: () => clock.ms };
  const done: string[] = [];
  const turns = new FairScheduler(clock);
  const worker = (name: string, pieces: number): Worker => ({
    step() {
      clock.ms += PIECE_MS;
      done.push(name);
      pieces -= 1;
      return pieces > 0;
    },
  });
  return { turns, done, worker };
}

describe('turns', () => {
  it('are taken in the order of the requests, and workers with much to do get no more of them', async () => {
    const { turns, done, worker } = workshop();
    for (const [name, pieces] of [
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ] as const)
      turns.schedule(worker(name, pieces));
    while (turns.size > 0) await nextTurn();
    expect(done.join('')).toBe('abcaca');
  });

  it('end after some milliseconds, so that others are served, and go on by themselves', async () => {
    const { turns, done, worker } = workshop();
    turns.schedule(worker('a', 10));
    await nextTurn();
    expect(done.length, 'a request would have waited for all of it').toBeLessThan(4);
    while (turns.size > 0) await nextTurn();
    expect(done).toHaveLength(10);
  });

  it('are taken once by workers that are scheduled twice, and not at all by cancelled ones', async () => {
    const { turns, done, worker } = workshop();
    const [stays, leaves] = [worker('stays', 1), worker('leaves', 1)];
    for (const each of [stays, leaves, stays]) turns.schedule(each);
    turns.cancel(leaves);
    await nextTurn();
    expect(done).toEqual(['stays']);
  });
});
