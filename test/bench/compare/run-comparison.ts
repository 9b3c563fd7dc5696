import { join } from 'node:path';
import { disposableDirectory } from '../../support/disposable-directory.js';
import { type BenchCase, type BenchContext, type Measured, type ServiceBuild } from '../bench-case.js';
import { BenchPostgres } from '../harness/bench-postgres.js';
import { microsEach } from '../harness/micros-each.js';
import { ROOT } from '../harness/run-script.js';
import { Turns, TurnsAbandoned } from '../harness/turns.js';
import { describeMachine } from '../machine.js';
import { pg1Tool } from '../yardsticks/pg1.js';
import { CommitBuild } from './commit-build.js';
import { type ComparedRuns } from './comparison.js';
import { type Comparison } from './comparison-table.js';
import { Repository } from './git.js';

/** What is compared, and how long. */
export interface ComparisonOptions {
  /** The revision that the commit of this tree is compared with. */
  readonly againstCommit: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

export interface ComparisonEnd {
  readonly comparison: Comparison;
  readonly failures: readonly string[];
}

/** What the two commits are measured with. */
type Measuring = Omit<BenchContext, 'build' | 'turn'>;

type Side = 'before' | 'now';
type Builds = Readonly<Record<Side, ServiceBuild>>;

/** How long (s) a commit is measured before it is the other one's turn. */
const SLICE_SECONDS = 0.5;

/**
 * How many rounds of a case are made again that failed, before it ends with those that it has: a node that other work keeps from
 * the processor refuses some calls, which says nothing about what they cost.
 */
const REPEATED_AT_MOST = 5;

/** After so many operations the compiler of Node.js has done most of what it does, and runs cost the same. */
const WARM_UP_OPERATIONS = 10_000;

/**
 * Builds another commit and the one of this tree, and measures both in turn. Both are measured by the bench of this tree, and
 * treated alike.
 * @throws CannotCompare before anything is measured
 */
export async function runComparison(
  cases: readonly BenchCase[],
  options: ComparisonOptions,
  say: (line: string) => void,
): Promise<ComparisonEnd> {
  const repository = await Repository.open(ROOT);
  const before = await repository.commit(options.againstCommit);
  const now = await repository.cleanHead();
  const directory = disposableDirectory();
  try {
    const source = { repository, root: ROOT, say };
    const builds = {
      before: await CommitBuild.make(source, before, join(directory.path, 'before')),
      now: await CommitBuild.make(source, now, join(directory.path, 'now')),
    };
    const { cases: compared, database, failures } = await measureBuilds(builds, cases, options, say);
    const { seconds, warmUpSeconds, rounds } = options;
    const at = new Date().toISOString();
    const of = { at, machine: describeMachine(), database, seconds, warmUpSeconds, rounds, before, now };
    return { comparison: { ...of, cases: compared }, failures };
  } finally {
    await directory.remove();
  }
}

interface MeasuredBuilds {
  readonly database: string;
  readonly cases: readonly ComparedRuns[];
  readonly failures: readonly string[];
}

async function measureBuilds(
  builds: Readonly<Record<Side, CommitBuild>>,
  cases: readonly BenchCase[],
  { rounds, seconds, warmUpSeconds }: ComparisonOptions,
  say: (line: string) => void,
): Promise<MeasuredBuilds> {
  const postgres = await BenchPostgres.start();
  try {
    const sides = {
      before: await prepared(postgres, builds.before, 'bench_before'),
      now: await prepared(postgres, builds.now, 'bench_now'),
    };
    const slices = Math.max(1, Math.round(seconds / SLICE_SECONDS));
    const load = { seconds, slices, warmUpSeconds, warmUpOperations: WARM_UP_OPERATIONS };
    const measuring = { postgres, pg1Tool: await pg1Tool(), ...load };
    const compared: ComparedRuns[] = [];
    const failures: string[] = [];
    for (const benchCase of cases) {
      const runs = await takeTurns(benchCase, measuring, sides, rounds, say);
      compared.push(runs);
      if (runs.failure !== null) failures.push(`${benchCase.name}: ${runs.failure}`);
    }
    return { database: await postgres.describe(), cases: compared, failures };
  } finally {
    await postgres.stop();
  }
}

async function prepared(postgres: BenchPostgres, build: CommitBuild, template: string): Promise<ServiceBuild> {
  await postgres.createTemplate(template, url => build.migrate(url));
  return { checkout: build.checkout, template };
}

/** Runs a case so many times with both builds. What fails in the end is told beside what was measured before. */
export async function takeTurns(
  { name, work, unit, measure }: Pick<BenchCase, 'name' | 'work' | 'unit' | 'measure'>,
  measuring: Measuring,
  builds: Builds,
  rounds: number,
  say: (line: string) => void,
): Promise<ComparedRuns> {
  const runs = { before: [] as Measured[], now: [] as Measured[] };
  const repeated: string[] = [];
  const left = { rounds, repetitions: REPEATED_AT_MOST };
  while (left.rounds > 0) {
    const place = `${rounds - left.rounds + 1}/${rounds}`;
    try {
      const both = await measureBoth(measure, measuring, builds, left.rounds % 2 === rounds % 2 ? 'before' : 'now');
      for (const side of ['before', 'now'] as const) {
        say(`${name} ${place} ${side.padEnd(6)} ${runText(both[side], unit)}`);
        runs[side].push(both[side]);
      }
      left.rounds -= 1;
    } catch (error) {
      const why = `${place}: ${error instanceof Error ? error.message : String(error)}`;
      if (left.repetitions === 0) return { name, work, unit, ...runs, repeated, failure: why };
      left.repetitions -= 1;
      say(`${name} is repeated, since it failed: ${why}`);
      repeated.push(why);
    }
  }
  return { name, work, unit, ...runs, repeated, failure: null };
}

/**
 * Measures both builds at the same time, of which only one is under load at any moment: they take turns, half a second each,
 * so that both see the same moods of the machine.
 * @param first which of them begins: each does in every other round, so that none profits from its place
 * @throws Error that says which of them failed
 */
async function measureBoth(
  measure: BenchCase['measure'],
  measuring: Measuring,
  builds: Builds,
  first: Side,
): Promise<Record<Side, Measured>> {
  const turns = new Turns();
  const failures: string[] = [];
  const run = async (side: Side): Promise<Measured> => {
    try {
      return await measure({ ...measuring, build: builds[side], turn: turns.of(side === first ? 0 : 1) });
    } catch (error) {
      if (!(error instanceof TurnsAbandoned)) {
        failures.push(`${side}: ${error instanceof Error ? error.message : String(error)}`);
      }
      turns.abandon();
      return {};
    }
  };
  const [before, now] = await Promise.all([run('before'), run('now')]);
  if (failures.length > 0) throw new Error(failures.join('; '));
  return { before, now };
}

function runText(run: Measured, unit: string): string {
  const micros = (cores: number | undefined) => Math.round(microsEach(run, cores) ?? Number.NaN);
  const costs = `service ${micros(run.serviceCores)} µs each, PostgreSQL ${micros(run.postgresCores)} µs`;
  return `${Math.round(run.perSecond ?? Number.NaN)} ${unit}, ${costs}`;
}
