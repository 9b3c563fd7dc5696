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
  --out FILE        where the JSON file goes: a file that does not exist yet (by default .data/bench/latest.json, or
                    .data/bench/soak.json of a soak, which are written anew each time)
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

const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;

/** The options of the command line, as they were given or by default. */
export function readOptions(args: readonly string[] = process.argv.slice(2)) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: number(5),
      'warm-up': number(2),
      repetitions: { type: 'string' },
      against: { type: 'string' },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
      minutes: number(5),
      instances: number(20_000),
      ttl: number(60),
      watchers: number(300),
      discoveries: number(100),
      searches: number(2),
      changes: number(5),
      arrivals: number(2),
    },
  });
  return {
    ...values,
    names: positionals.filter(name => name !== SOAK),
    seconds: Number(values.seconds),
    warmUpSeconds: Number(values['warm-up']),
    repetitions: values.repetitions === undefined ? undefined : Number(values.repetitions),
    /** A file that somebody names is never written over. */
    isOutNamed: values.out !== undefined,
    out: values.out ?? (positionals.includes(SOAK) ? DEFAULT_SOAK_OUT : DEFAULT_OUT),
    soak: !positionals.includes(SOAK)
      ? undefined
      : {
          minutes: Number(values.minutes),
          nodes: 2,
          instances: Number(values.instances),
          ttlSeconds: Number(values.ttl),
          watchers: Number(values.watchers),
          discoveries: Number(values.discoveries),
          searches: Number(values.searches),
          changes: Number(values.changes),
          arrivals: Number(values.arrivals),
        },
  };
}

export type Options = ReturnType<typeof readOptions>;
