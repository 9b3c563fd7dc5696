import process from 'node:process';
import { parseArgs } from 'node:util';

/** Not a case: it has a report of its own. */
export const SOAK = 'soak';

export const USAGE = `Usage: npm run bench -- [options] [case …]

  --seconds N       how long each measurement lasts, after its warm-up (5)
  --warm-up N       how long each warm-up lasts (2)
  --repetitions N   how often each case is measured, each time after its yardstick; medians count (3; 1 of cases that
                    fill a database first)
  --against FILE    compares with the JSON file of an earlier run
  --against-commit REVISION
                    builds that commit and the one of this tree, and runs the cases with both in turn: what an operation costs
                    each of them, and whether it is the same (register, heartbeat and discover, or the cases that are named)
  --rounds N        how often each of the two commits is measured (5)
  --out FILE        where the JSON file goes: a file that does not exist yet (by default .data/bench/latest.json,
                    .data/bench/soak.json of a soak, or .data/bench/comparison.json of two commits, which are written anew
                    each time)
  --list            lists the cases
  --docs            puts the results into docs/benchmarks: tables and plots; other results there stay
  --from FILE       measures nothing, but takes the JSON file of an earlier run, for --docs

Families of cases run when they are named, all or some: scale, log. So does the soak:

  soak              2 nodes under a modest load for a long time, and a judgement of whether they could bear it for ever
  --minutes N       how long (5)
  --instances N     which renew their leases (20000)
  --ttl N           of a lease in seconds; each is renewed three times in it (60)
  --watchers N      (300)
  --discoveries N   per second (100); so are --searches (2), --changes (5) and --arrivals (2, and as many that go)
`;

const DEFAULT_OUT = '.data/bench/latest.json';
const DEFAULT_SOAK_OUT = '.data/bench/soak.json';

const DEFAULT_COMPARISON_OUT = '.data/bench/comparison.json';
const DEFAULT_ROUNDS = 5;

/** Less than that is no measurement. */
const LEAST_SECONDS = 0.1;

/** What is wrong with a command line: a text for people, without a stack. */
export class UsageError extends Error {}

const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;

/** Options that are numbers, with what they are when they are not given. */
const NUMBERS = {
  seconds: number(5),
  'warm-up': number(2),
  minutes: number(5),
  instances: number(20_000),
  ttl: number(60),
  watchers: number(300),
  discoveries: number(100),
  searches: number(2),
  changes: number(5),
  arrivals: number(2),
};

/** A number of the command line. @throws UsageError where it is none, or too small */
function numberOf(option: string, text: string, least = 0): number {
  const value = Number(text);
  if (!/^\d+([.]\d+)?$/.test(text) || value < least) {
    throw new UsageError(
      `--${option} is a number${least > 0 ? ` of at least ${least}` : ''}, not ${JSON.stringify(text)}.`,
    );
  }
  return value;
}

/** How often something is done. @throws UsageError where it is no whole number, or 0 */
function countOf(option: string, text: string): number {
  const value = numberOf(option, text, 1);
  if (!Number.isSafeInteger(value)) throw new UsageError(`--${option} is a whole number, not ${JSON.stringify(text)}.`);
  return value;
}

function parsed(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...NUMBERS,
      repetitions: { type: 'string' },
      against: { type: 'string' },
      'against-commit': { type: 'string' },
      rounds: { type: 'string' },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
}

type Values = ReturnType<typeof parsed>['values'];
function parsedOrRefused(args: readonly string[]): ReturnType<typeof parsed> {
  try {
    return parsed(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws UsageError where an option is given that this kind of run would ignore */
function assertCompatible(values: Values, isSoak: boolean): void {
  if (values['against-commit'] === undefined) {
    if (values.rounds === undefined) return;
    throw new UsageError('--rounds goes with --against-commit only; otherwise it is --repetitions.');
  }
  const others = (['against', 'from', 'docs', 'repetitions'] as const).filter(
    name => (values[name] ?? false) !== false,
  );
  const foreign = [...others.map(name => `--${name}`), ...(isSoak ? [SOAK] : [])];
  if (foreign.length > 0) throw new UsageError(`--against-commit does not go together with ${foreign.join(', ')}.`);
}

function defaultOut(isSoak: boolean, isComparison: boolean): string {
  if (isComparison) return DEFAULT_COMPARISON_OUT;
  return isSoak ? DEFAULT_SOAK_OUT : DEFAULT_OUT;
}

/**
 * The options of the command line, as they were given or by default.
 * @throws UsageError where they are none, or do not go together
 */
export function readOptions(args: readonly string[] = process.argv.slice(2)) {
  const { values, positionals } = parsedOrRefused(args);
  const isSoak = positionals.includes(SOAK);
  assertCompatible(values, isSoak);
  const numberAt = (option: keyof typeof NUMBERS, least?: number) => numberOf(option, values[option], least);
  return {
    ...values,
    names: positionals.filter(name => name !== SOAK),
    seconds: numberAt('seconds', LEAST_SECONDS),
    warmUpSeconds: numberAt('warm-up'),
    repetitions: values.repetitions === undefined ? undefined : countOf('repetitions', values.repetitions),
    againstCommit: values['against-commit'],
    rounds: values.rounds === undefined ? DEFAULT_ROUNDS : countOf('rounds', values.rounds),
    /** A file that somebody names is never written over. */
    isOutNamed: values.out !== undefined,
    out: values.out ?? defaultOut(isSoak, values['against-commit'] !== undefined),
    soak: !isSoak
      ? undefined
      : {
          minutes: numberAt('minutes'),
          nodes: 2,
          instances: numberAt('instances'),
          ttlSeconds: numberAt('ttl'),
          watchers: numberAt('watchers'),
          discoveries: numberAt('discoveries'),
          searches: numberAt('searches'),
          changes: numberAt('changes'),
          arrivals: numberAt('arrivals'),
        },
  };
}

export type Options = ReturnType<typeof readOptions>;
