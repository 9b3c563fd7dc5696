import { describe, expect, it } from 'vitest';
import { type BenchCase, type BenchContext, type Growth, type Measured } from '../bench-case.js';
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

/** A case that does something three times in its turn, and then something that must not disturb the other one. */
function slicedCase(done: string[], fails: (side: string) => boolean = () => false): BenchCase['measure'] {
  return async ({ build, turn }: BenchContext): Promise<Measured> => {
    for (let slice = 1; slice <= 3; slice++) {
      await turn!.take();
      done.push(`${build!.checkout} ${slice}`);
      if (slice === 2 && fails(build!.checkout)) throw new Error('a wrong answer');
      turn!.pass();
    }
    await turn!.together();
    done.push('after');
    return { perSecond: done.length };
  };
}

/** What both do in a round, in the order in which they take turns. */
const roundOf = (...sides: string[]) =>
  [1, 2, 3].flatMap(slice => sides.map(side => `${side} ${slice}`)).concat('after', 'after');

describe('a comparison', () => {
  const [ODD, EVEN] = [roundOf('/before', '/now'), roundOf('/now', '/before')];

  it('measures both builds in turn, slice by slice and round by round, each with its own database', async () => {
    const done: string[] = [];
    const templates = new Map<string, string>();
    const sliced = slicedCase(done);
    const measure: BenchCase['measure'] = context => {
      templates.set(context.build!.checkout, context.build!.template);
      return sliced(context);
    };
    const said: string[] = [];
    const runs = await takeTurns({ ...aCase('one'), measure }, MEASURING, SIDES, 3, line => void said.push(line));
    expect(done, 'the other one begins in every other round').toEqual([...ODD, ...EVEN, ...ODD]);
    expect(Object.fromEntries(templates)).toEqual({ '/before': 'bench_before', '/now': 'bench_now' });
    expect([runs.before.length, runs.now.length, runs.repeated, said.length]).toEqual([3, 3, [], 6]);
    expect(runs.failure).toBeNull();
  });

  it('makes a round again of which one side failed, does not wait for it, and tells', async () => {
    const done: string[] = [];
    let failures = 0;
    const measure = slicedCase(done, side => side === '/now' && failures++ === 0);
    const said: string[] = [];
    const runs = await takeTurns({ ...aCase('one'), measure }, MEASURING, SIDES, 2, line => void said.push(line));
    const failed = ['/before 1', '/now 1', '/before 2', '/now 2'];
    expect(done).toEqual([...failed, ...ODD, ...EVEN]);
    expect([runs.before.length, runs.now.length]).toEqual([2, 2]);
    expect(runs.repeated).toEqual(['1/2: now: a wrong answer']);
    expect(said[0]).toBe('one is repeated, since it failed: 1/2: now: a wrong answer');
  });

  it('ends when rounds fail again and again, with those that it has, and with what both sides say', async () => {
    let runs = 0;
    const measure = () => (++runs > 4 ? Promise.reject(new Error(`wrong ${runs}`)) : Promise.resolve({}));
    const ended = await takeTurns({ ...aCase('one'), measure }, MEASURING, SIDES, 5, () => undefined);
    expect([ended.before.length, ended.now.length, ended.repeated.length]).toEqual([2, 2, 5]);
    expect(ended.failure).toBe('3/5: before: wrong 15; now: wrong 16');
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
