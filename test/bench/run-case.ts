import { type BenchCase, type BenchContext, type Growth, type Measured, type Target } from './bench-case.js';
import { microsEach } from './harness/micros-each.js';
import { median } from './harness/statistics.js';

/** Processor time of each operation (µs), of all nodes and of PostgreSQL; absent where operations or processor are not counted. */
export interface Cost {
  readonly service?: number | undefined;
  readonly postgres?: number | undefined;
}

/** What a case came to: medians of its runs. */
export interface CaseResult {
  readonly name: string;
  readonly work: string;
  readonly unit: string;
  readonly growth?: Growth;
  /** What it was compared with, and how long its slowest took (ms): a case that is done in less would be a wonder. */
  readonly yardstick: { readonly name: string; readonly perSecond: number; readonly p99?: number } | null;
  /** Of the case to its yardstick. */
  readonly ratio: number | null;
  readonly measured: Measured;
  /** Processor time of each operation. Absent in results of earlier versions of the bench. */
  readonly cost?: Cost;
  readonly targets: readonly { readonly what: string; readonly met: boolean; readonly aimed: boolean | null }[];
  /** Each run, for whoever wants to see how much they differ. */
  readonly runs: readonly Measured[];
}

/** Runs a case so many times, each time after its yardstick, so that both see the same moods of the machine. */
export async function runCase(
  benchCase: BenchCase,
  context: BenchContext,
  repetitions: number,
  say: (line: string) => void,
): Promise<CaseResult> {
  const { name, work, unit, growth, yardstick, targets } = benchCase;
  const yardsticks: Measured[] = [];
  const runs: Measured[] = [];
  for (let n = 1; n <= repetitions; n++) {
    if (yardstick) {
      const stick = await yardstick.measure(context);
      say(`${name} ${n}/${repetitions}: ${yardstick.name} ${Math.round(stick.perSecond ?? Number.NaN)}/s`);
      yardsticks.push(stick);
    }
    const run = await benchCase.measure(context);
    say(`${name} ${n}/${repetitions}: ${Math.round(run.perSecond ?? Number.NaN)} ${unit}`);
    runs.push(run);
  }
  const measured = mediansOf(runs);
  const stick = yardstick ? stickOf(yardstick.name, mediansOf(yardsticks)) : null;
  const ratio = stick && measured.perSecond !== undefined ? measured.perSecond / stick.perSecond : null;
  const judged = targets.map(target => judge(target, measured, ratio));
  const cost = costOf(runs);
  return {
    name,
    work,
    unit,
    ...(growth && { growth }),
    yardstick: stick,
    ratio,
    measured,
    cost,
    targets: judged,
    runs,
  };
}

/** The medians of what an operation cost in each run. */
function costOf(runs: readonly Measured[]): Cost {
  const medianOf = (cores: 'serviceCores' | 'postgresCores') => {
    const costs = runs.map(run => microsEach(run, run[cores])).filter(cost => cost !== undefined);
    return costs.length === 0 ? undefined : median(costs);
  };
  return { service: medianOf('serviceCores'), postgres: medianOf('postgresCores') };
}

/** What an operation cost: of results of earlier versions of the bench, by the medians of cores and rate. */
export const costOfResult = ({ cost, measured }: CaseResult): Cost =>
  cost ?? {
    service: microsEach(measured, measured.serviceCores),
    postgres: microsEach(measured, measured.postgresCores),
  };

const stickOf = (name: string, { perSecond = Number.NaN, p99 }: Measured): CaseResult['yardstick'] => ({
  name,
  perSecond,
  ...(p99 !== undefined && { p99 }),
});

function judge(target: Target, measured: Measured, ratio: number | null): CaseResult['targets'][number] {
  const value = valueOf(target, measured, ratio);
  if ('atMost' in target) return { what: target.what, met: value <= target.atMost, aimed: null };
  const { aim } = target;
  return { what: target.what, met: value >= target.atLeast, aimed: aim === undefined ? null : value >= aim };
}

function valueOf({ of }: Target, { perSecond, p99, figures }: Measured, ratio: number | null): number {
  if (of === 'ratio') return ratio ?? Number.NaN;
  if (of === 'perSecond') return perSecond ?? Number.NaN;
  if (of === 'p99') return p99 ?? Number.NaN;
  return figures?.[of.slice('figure '.length)] ?? Number.NaN;
}

function mediansOf(runs: readonly Measured[]): Measured {
  const of = (read: (run: Measured) => number | undefined): number | undefined => {
    const values = runs.map(read).filter(value => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const names = [...new Set(runs.flatMap(({ figures }) => Object.keys(figures ?? {})))];
  return {
    perSecond: of(run => run.perSecond),
    p50: of(run => run.p50),
    p99: of(run => run.p99),
    serviceCores: of(run => run.serviceCores),
    postgresCores: of(run => run.postgresCores),
    figures: Object.fromEntries(names.map(name => [name, of(run => run.figures?.[name]) ?? Number.NaN])),
  };
}
