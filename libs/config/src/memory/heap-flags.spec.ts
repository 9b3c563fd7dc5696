import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { MIB } from './memory-budget.js';
import { collectionFlags, execArgvForBudget, heapFlags } from './heap-flags.js';
import { sharesOf } from './memory-shares.js';

const START = ['--enable-source-maps', '--import', './scripts/typescript.mjs'];

describe('the flags of V8', () => {
  it.each([128, 255, 256, 511, 600, 5_000])('limit the heap of a process to %i MiB', limitMb => {
    const code = 'process.stdout.write(String(require("node:v8").getHeapStatistics().heap_size_limit))';
    const limit = execFileSync(process.execPath, [...heapFlags(limitMb * MIB), '-e', code], { encoding: 'utf8' });
    expect(Number(limit)).toBe(limitMb * MIB);
  });

  it('for collection are known to V8', () => {
    const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8', maxBuffer: 4 * MIB });
    const names = collectionFlags(2).map(flag => flag.split('=')[0]!);
    for (const name of names) expect(known).toMatch(new RegExp(`^ *${name} `, 'm'));
  });

  it.each([
    [1, 1],
    [2, 2],
    [4, 4],
    [64, 4],
  ])('let no more threads mark than %i cores can run beside each other: %i', (cores, threads) => {
    expect(collectionFlags(cores)).toContain(`--concurrent-marking-max-worker-num=${threads}`);
  });
});

describe('the options of Node.js for a budget', () => {
  const collection = collectionFlags(availableParallelism());
  const flags = [...heapFlags(sharesOf(700).heapLimit), ...collection];

  it('come before those that it had', () => {
    expect(execArgvForBudget({ budget: '700', execArgv: START })).toEqual([...flags, ...START]);
    expect(execArgvForBudget({ budget: ' 700\n', execArgv: [] })).toEqual(flags);
  });

  it('are complete at the second start, so that there is no third one', () => {
    const execArgv = execArgvForBudget({ budget: '700', execArgv: START })!;
    expect(execArgvForBudget({ budget: '700', execArgv })).toBeUndefined();
    const byDefault = execArgvForBudget({ execArgv: START })!;
    expect(execArgvForBudget({ execArgv: byDefault })).toBeUndefined();
    const invalid = execArgvForBudget({ budget: '1', execArgv: START })!;
    expect(execArgvForBudget({ budget: '1', execArgv: invalid })).toBeUndefined();
  });

  it.each([
    '--max-old-space-size=300',
    '--max_old_space_size=300',
    '--max-heap-size=300',
    '--max-old-space-size-percentage=50',
  ])('of the operator (%s) hold where no budget is set, and give way to a budget', own => {
    expect(execArgvForBudget({ execArgv: [own] })).toEqual([...collection, own]);
    expect(execArgvForBudget({ execArgv: [...collection, own] })).toBeUndefined();
    expect(execArgvForBudget({ execArgv: [], nodeOptions: `--no-warnings ${own}` })).toEqual(collection);
    expect(execArgvForBudget({ execArgv: collection, nodeOptions: own })).toBeUndefined();
    expect(execArgvForBudget({ budget: '700', execArgv: [own, ...START] })).toEqual([...flags, ...START]);
    expect(execArgvForBudget({ budget: '700', execArgv: [], nodeOptions: own })).toEqual(flags);
  });

  it('replace only a size of the young generation that the operator has set, as it is no limit', () => {
    const expected = execArgvForBudget({ execArgv: START });
    expect(execArgvForBudget({ execArgv: ['--max-semi-space-size=64', ...START] })).toEqual(expected);
  });

  it.each(['--heap-growing-percent=80', '--heap_growing_percent=80', '--concurrent-marking-max-worker-num=1'])(
    'leave a flag of the operator for collection (%s) as it is',
    own => {
      const name = own.split('=')[0]!.replaceAll('_', '-');
      const others = flags.filter(flag => !flag.startsWith(`${name}=`));
      const options = [...others, own, ...START];
      expect(execArgvForBudget({ budget: '700', execArgv: [own, ...START] })).toEqual(options);
      expect(execArgvForBudget({ budget: '700', execArgv: options })).toBeUndefined();
    },
  );

  it('are those of the default for a budget that is not valid, which is reported later', () => {
    const byDefault = execArgvForBudget({ execArgv: START });
    for (const budget of ['', 'much', '127', '512M', '1e3', '99999999999'])
      expect(execArgvForBudget({ budget, execArgv: START }), budget).toEqual(byDefault);
  });
});
