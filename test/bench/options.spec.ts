import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from './options.js';

const refusal = (...args: string[]): string => {
  try {
    readOptions(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '';
};

describe('the command line of the bench', () => {
  it('has defaults', () => {
    expect(readOptions([])).toMatchObject({
      names: [],
      seconds: 5,
      warmUpSeconds: 2,
      repetitions: undefined,
      againstCommit: undefined,
      rounds: 5,
      isOutNamed: false,
      out: '.data/bench/latest.json',
      soak: undefined,
      overload: undefined,
    });
  });

  it('compares with a commit, by the cases that are named, so many times, into a file of its own', () => {
    const options = readOptions(['register', '--against-commit', 'HEAD~2', '--rounds', '7', '--warm-up', '0', 'watch']);
    expect(options).toMatchObject({
      names: ['register', 'watch'],
      againstCommit: 'HEAD~2',
      rounds: 7,
      warmUpSeconds: 0,
    });
    expect(options.out).toBe('.data/bench/comparison.json');
    expect(readOptions(['--against-commit=abc', '--out', 'x.json'])).toMatchObject({ out: 'x.json', isOutNamed: true });
  });

  it('takes an empty commit for one that is named, so that it is not measured without in silence', () => {
    expect(readOptions(['--against-commit=']).againstCommit).toBe('');
    expect(refusal('--against-commit=', '--docs')).not.toBe('');
  });

  it.each(['0', '-0', '00', '1.5', '1e2', '0x5', '٣', '', ' 5', '5 ', 'five', 'NaN', 'Infinity', '9007199254740993'])(
    'refuses %j rounds',
    rounds => {
      expect(refusal('--against-commit=abc', `--rounds=${rounds}`)).toContain(`--rounds is a`);
      expect(refusal(`--repetitions=${rounds}`)).toContain('--repetitions is a');
    },
  );

  it.each(['0', '0.0', '-1', '', 'NaN', 'Infinity', '1e9', '5s', '1.', '.5', '1.2.3'])(
    'refuses %j seconds',
    seconds => {
      expect(refusal(`--seconds=${seconds}`)).toContain('--seconds is a number of at least 0.1, not');
    },
  );

  it('takes parts of seconds', () => {
    expect(readOptions(['--seconds', '0.5', '--warm-up', '0.25'])).toMatchObject({ seconds: 0.5, warmUpSeconds: 0.25 });
  });

  it.each([
    ['--against=before.json', '--against'],
    ['--from=before.json', '--from'],
    ['--docs', '--docs'],
    ['--repetitions=3', '--repetitions'],
    ['soak', 'soak'],
  ])('compares no commits with %s, which it would ignore', (other, named) => {
    expect(refusal('--against-commit=abc', other)).toBe(`--against-commit does not go together with ${named}.`);
  });

  it('names all that does not go together', () => {
    expect(refusal('soak', '--docs', '--from=', '--against-commit=abc')).toContain('with --from, --docs, soak.');
  });

  it('refuses rounds without a commit, and tells what was meant', () => {
    expect(refusal('--rounds=5')).toContain('--repetitions');
  });

  it.each([
    ['--against-comit=abc'],
    ['--against-commit'],
    ['--rounds'],
    ['--docs=yes'],
    ['--against-commit', '--rounds'],
  ])('refuses %s, without a stack', (...args) => expect(refusal(...args)).not.toBe(''));

  it('takes the numbers of a soak, and no others', () => {
    expect(readOptions(['soak', '--minutes', '1.5']).soak).toMatchObject({ minutes: 1.5, nodes: 2, watchers: 300 });
    expect(refusal('soak', '--watchers=many')).toContain('--watchers is a number, not "many"');
  });

  it('takes the sizes, kinds and scenarios of an overload, all by default', () => {
    const { overload, out, names } = readOptions(['overload']);
    expect(overload).toMatchObject({ callers: [10, 60, 200], seconds: 6, instances: 100_000, services: 20_000 });
    expect(overload?.kinds).toContain('five');
    expect(overload?.scenarios).toContain('paused');
    expect({ out, names }).toEqual({ out: '.data/bench/overload.json', names: [] });
    const small = ['--kinds', 'large,search', '--callers=5', '--scenarios=none', '--instances=100', '--services=10'];
    expect(readOptions(['overload', '--seconds', '2', ...small]).overload).toMatchObject({
      kinds: ['large', 'search'],
      callers: [5],
      seconds: 2,
      scenarios: [],
      instances: 100,
    });
  });

  it.each([
    [['--kinds=larg'], '--kinds has no "larg"'],
    [['--kinds=large,'], '--kinds has no ""'],
    [['--scenarios=all,paused'], '--scenarios has no "all"'],
    [['--callers=10,0'], '--callers is a number of at least 1'],
    [['--callers='], '--callers is a number of at least 1'],
    [['--services=3', '--instances=2'], '--services cannot be more than --instances.'],
    [['soak'], 'run one at a time'],
  ])('refuses an overload with %j', (args, message) => {
    expect(refusal('overload', ...args)).toContain(message);
  });

  it('profiles an overload into a directory, and nothing by default', () => {
    expect(readOptions(['overload', '--profile', '.data/bench/profiles']).overload?.profile).toBe(
      '.data/bench/profiles',
    );
    expect(readOptions(['overload']).overload?.profile).toBeUndefined();
  });

  it.each([
    [['overload', '--profile'], '--profile'],
    [['overload', '--profile='], '--profile names a directory'],
    [['register', '--profile=x'], '--profile goes with overload only'],
    [['soak', '--profile=x'], '--profile goes with overload only'],
    [['--profile=x', '--against-commit=abc'], '--profile goes with overload only'],
  ])('refuses %j, which would take no profile', (args, message) => expect(refusal(...args)).toContain(message));

  it('keeps the sizes of a soak apart from those of an overload', () => {
    expect(readOptions(['soak']).soak).toMatchObject({ instances: 20_000 });
    expect(readOptions(['soak', '--instances', '7']).soak).toMatchObject({ instances: 7 });
    expect(refusal('overload', '--against-commit=abc')).toContain('overload');
  });
});
