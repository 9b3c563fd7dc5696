import { describe, expect, it } from 'vitest';
import { type BenchContext, type Measured } from '../bench-case.js';
import { type BenchCase, type Growth } from '../bench-case.js';
import { chooseComparable } from '../choose-cases.js';
import { takeTurns } from './run-comparison.js';

const MEASURING = {} as BenchContext;
const SIDES = {
  before: { checkout: '/before', template: 'bench_before' },
  now: { checkout: '/now', template: 'bench_now' },
};

const aCase = (name: string, growth?: Growth): BenchCase => ({
  name,
  work: '',
  unit: 'things/s',
  targets: [],
  ...(growth && { growth }),
  measure: () => Promise.resolve({}),
});

describe('turns', () => {
  it('go to the other commit and to this one, again and again, each with its own build and database', async () => {
    const builds: string[] = [];
    let perSecond = 0;
    const measure = ({ build }: BenchContext): Promise<Measured> => {
      builds.push(`${build?.checkout} ${build?.template}`);
      return Promise.resolve({ perSecond: ++perSecond });
    };
    const said: string[] = [];
    const runs = await takeTurns({ ...aCase('one'), measure }, MEASURING, SIDES, 3, line => void said.push(line));
    const turn = ['/before bench_before', '/now bench_now'];
    expect(builds).toEqual([...turn, ...turn, ...turn]);
    expect(runs.before.map(run => run.perSecond)).toEqual([1, 3, 5]);
    expect(runs.now.map(run => run.perSecond)).toEqual([2, 4, 6]);
    expect(said).toHaveLength(6);
  });

  it('are taken again when a run fails, which is told, and the next one comes after', async () => {
    const sides: (string | undefined)[] = [];
    const measure = ({ build }: BenchContext): Promise<Measured> => {
      sides.push(build?.checkout);
      return sides.length === 2 ? Promise.reject(new Error('a wrong answer')) : Promise.resolve({ perSecond: 1 });
    };
    const said: string[] = [];
    const runs = await takeTurns({ ...aCase('one'), measure }, MEASURING, SIDES, 2, line => void said.push(line));
    expect(sides).toEqual(['/before', '/now', '/now', '/before', '/now']);
    expect([runs.before.length, runs.now.length]).toEqual([2, 2]);
    expect(runs.repeated).toEqual(['now 1/2: a wrong answer']);
    expect(said).toContain('one 1/2 now    is repeated, since it failed: a wrong answer');
  });

  it('end when a run fails again and again', async () => {
    let runs = 0;
    const measure = () => (++runs >= 3 ? Promise.reject(new Error('a wrong answer')) : Promise.resolve({}));
    const turns = takeTurns({ ...aCase('one'), measure }, MEASURING, SIDES, 5, () => undefined);
    await expect(turns).rejects.toThrow('a wrong answer');
    expect(runs).toBe(5);
  });
});

describe('the cases by which commits are compared', () => {
  const usual = ['register', 'heartbeat', 'discover', 'watch'].map(name => aCase(name));
  const growing = [10, 100].map(size => aCase(`scale-${size}`, { family: 'scale', of: 'instances', size }));
  const choice = (...names: string[]) => {
    const { chosen, notComparable, unknown } = chooseComparable(names, usual, growing);
    return { chosen: chosen.map(({ name }) => name), notComparable, unknown };
  };

  it('are what a service does most, or those that are named', () => {
    expect(choice().chosen).toEqual(['register', 'heartbeat', 'discover']);
    expect(choice('watch').chosen).toEqual(['watch']);
  });

  it('are none that fill the database by code of this tree, by name or by family', () => {
    expect(choice('watch', 'scale-10').notComparable).toEqual(['scale-10']);
    expect(choice('scale').notComparable).toEqual(['scale-10', 'scale-100']);
    expect(choice('wat').unknown).toEqual(['wat']);
  });
});
