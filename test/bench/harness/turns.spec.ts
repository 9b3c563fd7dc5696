import { setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Turn, Turns, TurnsAbandoned } from './turns.js';

/** Lets all go on that can. */
async function settle(): Promise<void> {
  for (let n = 0; n < 20; n++) await tick();
}

describe('two measurements that take turns', () => {
  it('go on alternately, one at a time, the first one first, however long each takes', async () => {
    const delays = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(delays, delays, fc.boolean(), async (first, second, isSecondAhead) => {
        const turns = new Turns();
        const done: string[] = [];
        const play = async (name: string, turn: Turn, pauses: readonly number[]) => {
          for (const ticks of pauses) {
            await turn.take();
            done.push(`${name} begins`);
            for (let n = 0; n < ticks; n++) await tick();
            done.push(`${name} ends`);
            turn.pass();
          }
        };
        const players = [() => play('a', turns.of(0), first), () => play('b', turns.of(1), second)];
        await Promise.all((isSecondAhead ? players.reverse() : players).map(start => start()));
        const turn = ['a begins', 'a ends', 'b begins', 'b ends'];
        expect(done).toEqual([turn, turn, turn, turn, turn, turn].flat());
      }),
    );
  });

  it('come together as often as they like', async () => {
    const turns = new Turns();
    const done: string[] = [];
    const come = async (name: string, turn: Turn) => {
      await turn.together();
      done.push(name);
    };
    const first = come('a1', turns.of(0)).then(() => come('a2', turns.of(0)));
    await settle();
    expect(done).toEqual([]);
    await come('b1', turns.of(1));
    await settle();
    expect([...done].sort()).toEqual(['a1', 'b1']);
    await come('b2', turns.of(1));
    await first;
    expect([...done].sort()).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  it('do not wait for one that failed, whether they waited before or come later', async () => {
    const turns = new Turns();
    const waiting = [turns.of(1).take(), turns.of(1).together()].map(wait => wait.catch((error: unknown) => error));
    await settle();
    turns.abandon();
    expect(await Promise.all(waiting)).toEqual([expect.any(TurnsAbandoned), expect.any(TurnsAbandoned)]);
    await expect(turns.of(0).take()).rejects.toThrow(TurnsAbandoned);
    await expect(turns.of(0).together()).rejects.toThrow(TurnsAbandoned);
  });
});
