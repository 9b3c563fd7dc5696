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
