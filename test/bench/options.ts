import process from 'node:process';
import { parseArgs } from 'node:util';
import { KIND_NAMES } from './overload/kinds.js';
import { type OverloadOptions } from './overload/report.js';
import { SCENARIO_NAMES } from './overload/scenarios/names.js';

/** Not cases: they have reports of their own. */
export const SOAK = 'soak';
export const OVERLOAD = 'overload';

export const USAGE = `Usage: npm run bench -- [options] [case …]

  --seconds N       how long each measurement lasts, after its warm-up (5; 6 of overload)
  --warm-up N       how long each warm-up lasts (2)
  --repetitions N   how often each case is measured, each time after its yardstick; medians count (3; 1 of cases that
                    fill a database first)
  --against FILE    compares with the JSON file of an earlier run
  --against-commit REVISION
                    builds that commit and the one of this tree, and runs the cases with both in turn: what an operation costs
                    each of them, and whether it is the same (register, heartbeat and discover, or the cases that are named)
  --rounds N        how often each of the two commits is measured (5)
  --out FILE        where the JSON file goes: a file that does not exist yet (by default .data/bench/latest.json,
                    .data/bench/soak.json of a soak, .data/bench/overload.json of an overload, or .data/bench/comparison.json
                    of two commits, which are written anew each time)
  --list            lists the cases
  --docs            puts the results into docs/benchmarks: tables and plots; other results there stay
  --from FILE       measures nothing, but takes the JSON file of an earlier run, for --docs

Families of cases run when they are named, all or some: scale, log. So do the soak and the overload:

  soak              2 nodes under a modest load for a long time, and a judgement of whether they could bear it for ever
  --minutes N       how long (5)
  --instances N     which renew their leases (20000; 100000 of overload, where they do not)
  --ttl N           of a lease in seconds; each is renewed three times in it (60)
  --watchers N      (300)
  --discoveries N   per second (100); so are --searches (2), --changes (5) and --arrivals (2, and as many that go)

  overload          1 node under readers of all kinds: what heartbeats, probes and dying instances see of it
  --kinds A,B       which readers (all, or none): ${KIND_NAMES.join(', ')}
  --callers N,M     how many repeat their requests at once (10,60,200)
  --scenarios A,B   what else is tried (all, or none): ${SCENARIO_NAMES.join(', ')}
  --services N      that the instances are distributed over (20000)
  --large N         instances of one large service (20000)
  --profile DIR     takes a CPU profile of the service in each window, and writes it there (.cpuprofile, see docs/benchmarks.md)
`;

const DEFAULT_OUT = '.data/bench/latest.json';
const DEFAULT_SOAK_OUT = '.data/bench/soak.json';
const DEFAULT_OVERLOAD_OUT = '.data/bench/overload.json';

const DEFAULT_COMPARISON_OUT = '.data/bench/comparison.json';
const DEFAULT_ROUNDS = 5;

/** Less than that is no measurement. */
const LEAST_SECONDS = 0.1;

/** What is wrong with a command line: a text for people, without a stack. */
export class UsageError extends Error {}

const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;

/** Options that are numbers, with what they are when they are not given. */
const NUMBERS = {
  'warm-up': number(2),
  minutes: number(5),
  ttl: number(60),
  watchers: number(300),
  discoveries: number(100),
  searches: number(2),
  changes: number(5),
  arrivals: number(2),
  services: number(20_000),
  large: number(20_000),
};

/** What these are by default depends on what is run. */
const DEFAULT_SECONDS = { cases: 5, overload: 6 } as const;
const DEFAULT_INSTANCES = { soak: 20_000, overload: 100_000 } as const;

const DEFAULT_CALLERS = '10,60,200';

/** Names all of what a list can name, or nothing. */
const ALL = 'all';
const NONE = 'none';

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

/** Some of the names that there are. @throws UsageError for another one */
function namesOf<Name extends string>(option: string, text: string, known: readonly Name[]): readonly Name[] {
  if (text === ALL) return known;
  const names = text === NONE ? [] : text.split(',');
  const unknown = names.filter(name => !known.some(each => each === name));
  if (unknown.length > 0) {
    throw new UsageError(
      `--${option} has no ${unknown.map(name => JSON.stringify(name)).join(', ')}: ${known.join(', ')}.`,
    );
  }
  return known.filter(name => names.includes(name));
}

function parsed(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...NUMBERS,
      seconds: { type: 'string' },
      instances: { type: 'string' },
      kinds: { type: 'string', default: ALL },
      callers: { type: 'string', default: DEFAULT_CALLERS },
      scenarios: { type: 'string', default: ALL },
      repetitions: { type: 'string' },
      against: { type: 'string' },
      'against-commit': { type: 'string' },
      rounds: { type: 'string' },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      from: { type: 'string' },
      profile: { type: 'string' },
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

/** What the options ask of the overload. @throws UsageError where they are none of it */
function overloadOptionsOf(values: Values): OverloadOptions {
  const counts = {
    instances: countOf('instances', values.instances ?? String(DEFAULT_INSTANCES.overload)),
    services: countOf('services', values.services),
    large: countOf('large', values.large),
  };
  if (counts.services > counts.instances) throw new UsageError('--services cannot be more than --instances.');
  return {
    ...counts,
    kinds: namesOf('kinds', values.kinds, KIND_NAMES),
    callers: values.callers.split(',').map(text => countOf('callers', text)),
    seconds: numberOf('seconds', values.seconds ?? String(DEFAULT_SECONDS.overload), LEAST_SECONDS),
    scenarios: namesOf('scenarios', values.scenarios, SCENARIO_NAMES),
    profile: values.profile,
  };
}

/** @throws UsageError where an option is given that this kind of run would ignore */
function assertCompatible(values: Values, apart: readonly string[]): void {
  if (values.profile === '') throw new UsageError('--profile names a directory.');
  if (values.profile !== undefined && !apart.includes(OVERLOAD))
    throw new UsageError('--profile goes with overload only.');
  if (values['against-commit'] === undefined) {
    if (values.rounds === undefined) return;
    throw new UsageError('--rounds goes with --against-commit only; otherwise it is --repetitions.');
  }
  const others = (['against', 'from', 'docs', 'repetitions'] as const).filter(
    name => (values[name] ?? false) !== false,
  );
  const foreign = [...others.map(name => `--${name}`), ...apart];
  if (foreign.length > 0) throw new UsageError(`--against-commit does not go together with ${foreign.join(', ')}.`);
}

function defaultOut(apart: readonly string[], isComparison: boolean): string {
  if (isComparison) return DEFAULT_COMPARISON_OUT;
  if (apart.includes(OVERLOAD)) return DEFAULT_OVERLOAD_OUT;
  return apart.includes(SOAK) ? DEFAULT_SOAK_OUT : DEFAULT_OUT;
}

/**
 * The options of the command line, as they were given or by default.
 * @throws UsageError where they are none, or do not go together
 */
export function readOptions(args: readonly string[] = process.argv.slice(2)) {
  const { values, positionals } = parsedOrRefused(args);
  const apart = [SOAK, OVERLOAD].filter(name => positionals.includes(name));
  assertCompatible(values, apart);
  if (apart.length > 1)
    throw new UsageError(`${apart.join(' and ')} run one at a time: each writes a file of its own.`);
  const numberAt = (option: keyof typeof NUMBERS, least?: number) => numberOf(option, values[option], least);
  return {
    ...values,
    names: positionals.filter(name => !apart.includes(name)),
    apart,
    seconds: numberOf('seconds', values.seconds ?? String(DEFAULT_SECONDS.cases), LEAST_SECONDS),
    warmUpSeconds: numberAt('warm-up'),
    repetitions: values.repetitions === undefined ? undefined : countOf('repetitions', values.repetitions),
    againstCommit: values['against-commit'],
    rounds: values.rounds === undefined ? DEFAULT_ROUNDS : countOf('rounds', values.rounds),
    /** A file that somebody names is never written over. */
    isOutNamed: values.out !== undefined,
    out: values.out ?? defaultOut(apart, values['against-commit'] !== undefined),
    overload: apart.includes(OVERLOAD) ? overloadOptionsOf(values) : undefined,
    soak: !apart.includes(SOAK)
      ? undefined
      : {
          minutes: numberAt('minutes'),
          nodes: 2,
          instances: numberOf('instances', values.instances ?? String(DEFAULT_INSTANCES.soak)),
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
