import { Scheduler } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { Flights } from './flights.js';

/** A maker of which the test says when it goes on. */
function setUp() {
  const flights = new Flights<number>(new Scheduler());
  let state = 1;
  let made = 0;
  let gate = Promise.withResolvers<void>();
  const failures = new Set<number>();
  const ask = () =>
    flights.join('key', {
      state: () => String(state),
      make: async (_turn, fix) => {
        fix();
        const from = state;
        made += 1;
        await gate.promise;
        if (failures.has(from)) throw new Error(`cannot make ${from}`);
        return from;
      },
    });
  const goOn = () => {
    gate.resolve();
    gate = Promise.withResolvers();
  };
  return { flights, ask, goOn, failures, made: () => made, change: () => (state += 1) };
}

describe('a value that takes long to make', () => {
  it('is made once for all who ask meanwhile', async () => {
    const { flights, ask, goOn, made } = setUp();
    const answers = Array.from({ length: 20 }, ask);
    await waitFor('it is being made', () => made() === 1);
    answers.push(ask());
    goOn();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([1]));
    expect(made()).toBe(1);
    expect(flights.size).toBe(0);
  });

  it('is made once more for all who ask after a change, from a state that has the change', async () => {
    const { ask, goOn, made, change } = setUp();
    const early = ask();
    await waitFor('it is being made', () => made() === 1);
    change();
    const late = [ask(), ask()];
    change();
    late.push(ask());
    goOn();
    expect(await early).toBe(1);
    await waitFor('it is being made again', () => made() === 2);
    goOn();
    expect(await Promise.all(late)).toEqual([3, 3, 3]);
  });

  it('is of the state at which the first slice began, also for who asked before a change until then', async () => {
    const { ask, goOn, made, change } = setUp();
    const early = ask();
    change();
    const late = ask();
    await waitFor('it is being made', () => made() === 1);
    goOn();
    expect(await Promise.all([early, late])).toEqual([2, 2]);
  });

  it('fails for those who wait for it, and not for those who wait for the next', async () => {
    const { ask, goOn, failures, made, change } = setUp();
    failures.add(1);
    const early = [ask(), ask()].map(asked => expect(asked).rejects.toThrow('cannot make 1'));
    await waitFor('it is being made', () => made() === 1);
    change();
    const late = ask();
    goOn();
    await Promise.all(early);
    await waitFor('it is being made again', () => made() === 2);
    goOn();
    expect(await late).toBe(2);
  });
});

/** Values by key, each from one state: who waits for them, and the signal of the work. */
function setUpCallers() {
  const flights = new Flights<string>(new Scheduler());
  const begun: { readonly signal: AbortSignal; readonly finish: (value: string) => void }[] = [];
  let state = 1;
  const join = (key: string, signal?: AbortSignal) =>
    flights.join(
      key,
      {
        state: () => String(state),
        make: (_turn, fix, ofWork) => {
          fix();
          return new Promise((resolve, reject) => {
            begun.push({ signal: ofWork, finish: resolve });
            ofWork.addEventListener('abort', () => reject(ofWork.reason as Error), { once: true });
          });
        },
      },
      signal,
    );
  const untilBegun = (count: number) => waitFor(`${count} have begun`, () => begun.length === count);
  return { flights, begun, join, untilBegun, change: () => (state += 1) };
}

const maker = (make: () => Promise<string>) => ({ state: () => '1', make });

describe('the callers of a value', () => {
  it('get one value for each key, and who asks later gets another', async () => {
    const { flights, begun, join, untilBegun } = setUpCallers();
    const all = [join('a'), join('a'), join('b')];
    expect(flights.size).toBe(2);
    await untilBegun(2);
    begun[0]!.finish('one');
    begun[1]!.finish('other');
    expect(await Promise.all(all)).toEqual(['one', 'one', 'other']);
    expect(flights.size).toBe(0);
    void join('a');
    await untilBegun(3);
  });

  it('end the work only when all of them are gone; who asks then gets other work', async () => {
    const { flights, begun, join, untilBegun } = setUpCallers();
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [join('a', first.signal), join('a', second.signal)];
    await untilBegun(1);
    first.abort(new Error('first'));
    await expect(calls[0]).rejects.toThrow('first');
    expect(begun[0]!.signal.aborted).toBe(false);
    second.abort(new Error('second'));
    await expect(calls[1]).rejects.toThrow('second');
    expect(begun[0]!.signal.reason).toEqual(new Error('second'));
    expect(flights.has('a'), 'a newcomer would get a value that nobody makes').toBe(false);
    const later = join('a');
    await untilBegun(2);
    begun[1]!.finish('anew');
    expect(await later).toBe('anew');
    expect(flights.size).toBe(0);
  });

  it('that cannot go keep the work, whoever else goes', async () => {
    const { begun, join, untilBegun } = setUpCallers();
    const controller = new AbortController();
    const [gone, stays] = [join('a', controller.signal), join('a')];
    await untilBegun(1);
    controller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    begun[0]!.finish('made');
    expect(await stays).toBe('made');
  });

  it('are gone before the work has begun: then it does not begin', async () => {
    const { flights, begun, join, untilBegun } = setUpCallers();
    const controller = new AbortController();
    const gone = join('a', controller.signal);
    controller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    const other = join('b');
    await untilBegun(1);
    begun[0]!.finish('other');
    expect(await other).toBe('other');
    expect(begun).toHaveLength(1);
    await expect(join('a', AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    expect([begun.length, flights.size]).toEqual([1, 0]);
  });

  it('who wait for the next value may go, and do not end the one that others wait for', async () => {
    const { begun, join, untilBegun, change } = setUpCallers();
    const early = join('a', new AbortController().signal);
    await untilBegun(1);
    change();
    const controller = new AbortController();
    const [late, gone] = [join('a'), join('a', controller.signal)];
    controller.abort(new Error('gone'));
    await expect(gone, 'it waits for work that it cannot use').rejects.toThrow('gone');
    expect(begun[0]!.signal.aborted).toBe(false);
    begun[0]!.finish('old');
    expect(await early).toBe('old');
    await untilBegun(2);
    begun[1]!.finish('new');
    expect(await late).toBe('new');
  });

  it('get the next value when all who waited for an earlier one are gone', async () => {
    const { begun, join, untilBegun, change } = setUpCallers();
    const controller = new AbortController();
    const early = join('a', controller.signal);
    await untilBegun(1);
    change();
    const late = join('a');
    controller.abort(new Error('gone'));
    await expect(early).rejects.toThrow('gone');
    await untilBegun(2);
    begun[1]!.finish('new');
    expect(await late).toBe('new');
  });

  it('all get the error of the work, which is forgotten', async () => {
    const flights = new Flights<string>(new Scheduler());
    const calls = [1, 2].map(() =>
      flights.join(
        'a',
        maker(() => Promise.reject(new Error('broken'))),
      ),
    );
    await Promise.all(calls.map(call => expect(call).rejects.toThrow('broken')));
    expect(
      await flights.join(
        'a',
        maker(() => Promise.resolve('fine')),
      ),
    ).toBe('fine');
  });
});
