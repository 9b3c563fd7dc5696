import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { type Clock } from '@coordination/kernel';
import { Scheduler, SLICE_MS, type Stepper } from './scheduler.js';
import { type Turn } from './turn.js';
import { WORK_CLASSES, type WorkClass } from './work-class.js';
import { type WorkOwner } from './work-queue.js';

/** A scheduler with a clock that only work moves. */
function workshop() {
  const clock: Clock & { ms: number } = { ms: 1_000, now: () => new Date(0), monotonicMs: () => clock.ms };
  const scheduler = new Scheduler(clock);
  /** The names of the work that ran, in order. */
  const done: string[] = [];
  const stepper = (name: string, steps: number, ms = SLICE_MS): Stepper => ({
    step() {
      clock.ms += ms;
      done.push(name);
      steps -= 1;
      return steps > 0;
    },
  });
  /** Work that is awaited: items of so many milliseconds. */
  const work = async (turn: Turn, name: string, items: number, ms = SLICE_MS) => {
    await turn.next();
    for (let item = 0; item < items; item++) {
      if (turn.isOver) await turn.next();
      clock.ms += ms;
      done.push(name);
    }
    return turn;
  };
  const schedule = (name: string, owner: WorkOwner, steps: number, ms?: number) =>
    scheduler.schedule(stepper(name, steps, ms), owner);
  const isIdle = async () => {
    while (scheduler.size > 0) await nextTurnOfLoop();
    await nextTurnOfLoop();
  };
  return { clock, scheduler, done, stepper, work, schedule, isIdle };
}

const HEAVY: WorkOwner = { workClass: 'heavy' };
const of = (client: string, workClass: WorkClass = 'heavy'): WorkOwner => ({ workClass, client });
const countOf = (done: readonly string[], name: string) => done.filter(each => each === name).length;

describe('workers', () => {
  it('step in the order in which they came, and those with much to do get no more of it', async () => {
    const { done, schedule, isIdle } = workshop();
    schedule('a', HEAVY, 3);
    schedule('b', HEAVY, 1);
    schedule('c', HEAVY, 2);
    await isIdle();
    expect(done.join('')).toBe('abcaca');
  });

  it('share a slice if their steps are short, and leave the loop when it is over', async () => {
    const { done, schedule, isIdle } = workshop();
    schedule('a', HEAVY, 6, 1);
    schedule('b', HEAVY, 6, 1);
    await nextTurnOfLoop();
    expect(done.join(''), 'the first slice of 4 ms').toBe('abab');
    await isIdle();
    expect(done).toHaveLength(12);
  });

  it('are charged for what they put off to the next tick, such as writes to sockets', async () => {
    const { clock, scheduler, done, isIdle } = workshop();
    for (const name of ['a', 'b', 'c', 'd']) {
      scheduler.schedule(
        {
          step() {
            process.nextTick(() => {
              clock.ms += SLICE_MS;
              done.push(name);
            });
            return false;
          },
        },
        HEAVY,
      );
    }
    await nextTurnOfLoop();
    expect(done.join(''), 'one slice, and not four at once').toBe('a');
    await isIdle();
    expect(done.join('')).toBe('abcd');
    expect(scheduler.use('heavy').spentMs).toBe(4 * SLICE_MS);
  });

  it('step once if they are scheduled twice, and not at all if they are cancelled', async () => {
    const { scheduler, done, stepper, isIdle } = workshop();
    const [stays, leaves] = [stepper('stays', 1), stepper('leaves', 1)];
    for (const each of [stays, leaves, stays]) scheduler.schedule(each, HEAVY);
    scheduler.cancel(leaves);
    scheduler.cancel(leaves);
    expect(scheduler.waiting('heavy')).toBe(1);
    await isIdle();
    expect(done).toEqual(['stays']);
    scheduler.schedule(leaves, HEAVY);
    await isIdle();
    expect(done, 'it may be scheduled again').toEqual(['stays', 'leaves']);
  });

  it('may schedule themselves while they step', async () => {
    const { scheduler, isIdle } = workshop();
    let steps = 0;
    const stepper: Stepper = {
      step() {
        steps += 1;
        if (steps < 3) scheduler.schedule(stepper, HEAVY);
        return false;
      },
    };
    scheduler.schedule(stepper, HEAVY);
    await isIdle();
    expect(steps).toBe(3);
  });

  it('that throw are logged and dropped, and all other work goes on', async () => {
    const error = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { scheduler, done, schedule, work, isIdle } = workshop();
    const failure = new Error('a defect');
    const broken: Stepper = {
      step() {
        throw failure;
      },
    };
    scheduler.schedule(broken, HEAVY);
    schedule('a', HEAVY, 2);
    await work(scheduler.begin(HEAVY), 'b', 2);
    await isIdle();
    expect(done.toSorted().join('')).toBe('aabb');
    expect(error.mock.calls.filter(([logged]) => logged === failure)).toHaveLength(1);
    error.mockRestore();
  });

  it('run outside the context of whichever request scheduled them', async () => {
    const { scheduler, schedule, work, isIdle } = workshop();
    const requests = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const observer: Stepper = {
      step() {
        seen.push(requests.getStore());
        return false;
      },
    };
    requests.run('a request', () => scheduler.schedule(observer, HEAVY));
    await isIdle();
    await requests.run('another', async () => {
      const worked = work(scheduler.begin(HEAVY), 'a', 1, 1);
      scheduler.schedule(observer, HEAVY);
      await worked;
      expect(requests.getStore(), 'awaited work keeps its own').toBe('another');
    });
    await isIdle();
    expect(seen).toEqual([undefined, undefined]);
    schedule('end', HEAVY, 1);
    await isIdle();
  });
});

describe('awaited work', () => {
  it('takes turns, a slice for each', async () => {
    const { scheduler, done, work } = workshop();
    await Promise.all([
      work(scheduler.begin(HEAVY), 'a', 4, 2),
      work(scheduler.begin(HEAVY), 'b', 2, 4),
      work(scheduler.begin(HEAVY), 'c', 1, 1),
    ]);
    expect(done.join('')).toBe('aabcaab');
  });

  it('shares a slice with other work when it ends early and says so', async () => {
    const { scheduler, done, work } = workshop();
    const short = async (name: string) => (await work(scheduler.begin(HEAVY), name, 1, 1)).end();
    const all = ['a', 'b', 'c', 'd', 'e'].map(short);
    await nextTurnOfLoop();
    expect(done.join(''), 'one slice').toBe('abcd');
    await Promise.all(all);
    expect(done.join('')).toBe('abcde');
  });

  it('that ends without saying so, or awaits something else, holds nothing up', async () => {
    const { scheduler, done, work, isIdle } = workshop();
    const never = Promise.withResolvers<void>();
    const stuck = scheduler.begin(HEAVY);
    void stuck.next().then(() => never.promise);
    void scheduler.begin(HEAVY).next();
    await work(scheduler.begin(HEAVY), 'a', 2);
    expect(done.join('')).toBe('aa');
    await isIdle();
    expect(stuck.isOver, 'its slice is not kept for it').toBe(true);
    expect(scheduler.size).toBe(0);
  });

  it('counts only its own slices, not the work of others and not what it waits for', async () => {
    const { clock, scheduler, work } = workshop();
    const [a, b] = [scheduler.begin(HEAVY), scheduler.begin(HEAVY)];
    await Promise.all([work(a, 'a', 5, 3), work(b, 'b', 7, 4)]);
    expect(a.spentMs).toBe(15);
    expect(b.spentMs).toBe(28);
    const answer = await a.waitFor(
      nextTurnOfLoop().then(() => {
        clock.ms += 500;
        return 'an answer';
      }),
    );
    expect(answer).toBe('an answer');
    expect(a.spentMs).toBe(15);
    expect(a.isOver, 'a slice has begun').toBe(false);
    clock.ms += 1;
    expect(a.spentMs).toBe(16);
    await nextTurnOfLoop();
    clock.ms += 500;
    expect(a.spentMs, 'other work of the loop').toBe(16);
  });

  it('fails as what it waits for, in a slice', async () => {
    const { scheduler } = workshop();
    const turn = scheduler.begin(HEAVY);
    await expect(turn.waitFor(Promise.reject(new Error('no database')))).rejects.toThrow('no database');
    expect(turn.isOver).toBe(false);
  });

  it('whose caller is gone leaves the queue at once, and begins no further slice', async () => {
    const { scheduler, done, work, isIdle } = workshop();
    const gone = new AbortController();
    const [waiting, working] = [scheduler.begin(HEAVY, gone.signal), scheduler.begin(HEAVY, gone.signal)];
    const other = work(scheduler.begin(HEAVY), 'other', 2);
    const failed = [expect(work(waiting, 'gone', 1)).rejects.toThrow('the client has disconnected')];
    expect(scheduler.waiting('heavy')).toBe(2);
    gone.abort(new Error('the client has disconnected'));
    expect(scheduler.waiting('heavy'), 'nothing is kept for it').toBe(1);
    failed.push(expect(working.next()).rejects.toThrow('the client has disconnected'));
    await Promise.all([other, ...failed]);
    await isIdle();
    expect(done).toEqual(['other', 'other']);
  });

  it('leaves no listener at a signal that outlives it', async () => {
    const { scheduler, work } = workshop();
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
    await work(scheduler.begin(HEAVY, signal), 'a', 20);
    expect(add).toHaveBeenCalledTimes(20);
    expect(remove).toHaveBeenCalledTimes(20);
  });
});

describe('a process that gets hardly any processor time', () => {
  it('runs one piece of work in each slice, though the slice is over before it begins', async () => {
    let ms = 0;
    const scheduler = new Scheduler({ now: () => new Date(0), monotonicMs: () => (ms += 10 * SLICE_MS) });
    let steps = 0;
    scheduler.schedule({ step: () => ++steps < 3 }, HEAVY);
    const turn = scheduler.begin(HEAVY);
    await turn.next();
    await turn.next();
    while (scheduler.size > 0) await nextTurnOfLoop();
    expect(steps).toBe(3);
  });
});

describe('fairness', () => {
  it('is among clients, however much work one of them has', async () => {
    const { done, schedule, isIdle } = workshop();
    for (let n = 0; n < 60; n++) schedule('many', of('10.0.0.1'), 1);
    for (const name of ['x', 'y']) schedule(name, of(name), 3);
    await isIdle();
    expect(done.slice(0, 9).join(' ')).toBe('many x y many x y many x y');
    expect(countOf(done, 'many')).toBe(60);
  });

  it('gives all classes something, and the urgent ones more', async () => {
    const { done, schedule, isIdle } = workshop();
    for (const name of WORK_CLASSES) schedule(name, of('c', name), 400);
    while (done.length < 350) await nextTurnOfLoop();
    const counts = WORK_CLASSES.map(name => countOf(done.slice(0, 350), name));
    expect(counts).toEqual([160, 80, 40, 40, 20, 10]);
    await isIdle();
    expect(done).toHaveLength(2_400);
  });

  it('is by time and not by number: a class of long pieces gets fewer', async () => {
    const { done, schedule, isIdle } = workshop();
    schedule('long', of('c', 'heavy'), 1_000, 8);
    schedule('short', of('d', 'heavy'), 1, 1);
    schedule('write', of('c', 'write'), 1_000, 4);
    while (done.length < 181) await nextTurnOfLoop();
    // Four times the share, and pieces of half the time.
    expect(countOf(done.slice(0, 181), 'write') / countOf(done.slice(0, 181), 'long')).toBeCloseTo(8, 0);
    await isIdle();
  });

  it('lets urgent work that comes later run next, and gives a class no time later that it did not need', async () => {
    const { done, schedule, isIdle } = workshop();
    schedule('long', of('c', 'long'), 300);
    while (done.length < 100) await nextTurnOfLoop();
    schedule('write', of('w', 'write'), 300);
    const from = done.length;
    while (done.length < from + 90) await nextTurnOfLoop();
    expect(done[from]).toBe('write');
    const others = countOf(done.slice(from, from + 90), 'long');
    expect(others, 'the 100 slices before are not held against it').toBeGreaterThanOrEqual(9);
    expect(others, 'nor does the other class have anything to make up for').toBeLessThanOrEqual(11);
    await isIdle();
  });
});

/** Lets requests arrive in each turn of the loop, and counts the turns. */
function arrivals(scheduler: Scheduler, clock: { ms: number }, msEach: number) {
  let turns = 0;
  let immediate: NodeJS.Immediate;
  const arrive = () => {
    turns += 1;
    clock.ms += msEach;
    scheduler.noteArrival();
    immediate = setImmediate(arrive);
  };
  arrive();
  return { turns: () => turns, stop: () => clearImmediate(immediate) };
}

describe('a rest', () => {
  it('gives the loop as much time as the slice took while requests arrive', async () => {
    const { clock, scheduler, done, schedule, isIdle } = workshop();
    const begunMs = clock.ms;
    const arriving = arrivals(scheduler, clock, 1);
    schedule('a', HEAVY, 50);
    while (done.length < 50) await nextTurnOfLoop();
    arriving.stop();
    const workedMs = 50 * SLICE_MS;
    expect(arriving.turns(), 'at least the time of all rests but the last').toBeGreaterThanOrEqual(49 * SLICE_MS);
    expect(clock.ms - begunMs - workedMs, 'and not much more').toBeLessThanOrEqual(55 * (SLICE_MS + 1));
    await isIdle();
  });

  it('lasts no longer than the slice, however much arrives', async () => {
    const { clock, scheduler, done, schedule } = workshop();
    const arriving = arrivals(scheduler, clock, 100);
    schedule('a', HEAVY, 10);
    while (done.length < 10) await nextTurnOfLoop();
    arriving.stop();
    expect(arriving.turns(), 'one long turn of the loop is enough for each rest').toBeLessThanOrEqual(24);
  });

  it('does not happen on an idle node', async () => {
    const { scheduler, done, schedule, isIdle } = workshop();
    let turnsOfLoop = 0;
    schedule('a', HEAVY, 100);
    while (scheduler.size > 0) {
      await nextTurnOfLoop();
      turnsOfLoop += 1;
    }
    await isIdle();
    expect(done).toHaveLength(100);
    expect(turnsOfLoop, 'a slice in each turn of the loop').toBeLessThanOrEqual(102);
  });

  it('is short after a short slice', async () => {
    const { clock, scheduler, done, schedule } = workshop();
    const arriving = arrivals(scheduler, clock, 0.1);
    schedule('a', HEAVY, 1, 0.3);
    while (done.length < 1) await nextTurnOfLoop();
    const before = arriving.turns();
    schedule('b', HEAVY, 1, 0.3);
    while (done.length < 2) await nextTurnOfLoop();
    arriving.stop();
    expect(arriving.turns() - before).toBeLessThan(8);
  });
});

describe('a scheduler without work', () => {
  it('keeps nothing pending, so that the process can end', async () => {
    const immediates = vi.spyOn(globalThis, 'setImmediate');
    const { scheduler, schedule, work, isIdle } = workshop();
    schedule('a', HEAVY, 3);
    const gone = new AbortController();
    const waiting = expect(scheduler.begin(HEAVY, gone.signal).next()).rejects.toThrow();
    gone.abort();
    await Promise.all([waiting, work(scheduler.begin(HEAVY), 'b', 3)]);
    await isIdle();
    await nextTurnOfLoop();
    immediates.mockClear();
    for (let n = 0; n < 5; n++) await nextTurnOfLoop();
    scheduler.noteArrival();
    for (let n = 0; n < 5; n++) await nextTurnOfLoop();
    expect(immediates).not.toHaveBeenCalled();
    immediates.mockRestore();
  });
});

describe('what work used', () => {
  it('is counted by class', async () => {
    const { scheduler, schedule, work, isIdle } = workshop();
    schedule('a', of('c', 'hot'), 3, 1);
    await work(scheduler.begin(of('c', 'long')), 'b', 1, 9);
    await isIdle();
    expect(scheduler.use('hot')).toEqual({ pieces: 3, spentMs: 3, overlong: 0 });
    expect(scheduler.use('long')).toEqual({ pieces: 1, spentMs: 9, overlong: 1 });
    expect(scheduler.use('write')).toEqual({ pieces: 0, spentMs: 0, overlong: 0 });
  });
});
