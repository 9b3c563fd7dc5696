import { type Measured } from '../bench-case.js';
import { microsEach } from '../harness/micros-each.js';
import { median, spread } from '../harness/statistics.js';

/** A case with the runs of both commits, in the order in which they were made. */
export interface ComparedRuns {
  readonly name: string;
  readonly work: string;
  readonly unit: string;
  readonly before: readonly Measured[];
  readonly now: readonly Measured[];
  /** Runs that failed and were made again, and why: they do not count. */
  readonly repeated: readonly string[];
  /** Why there are fewer rounds than there should be; null where there are all. */
  readonly failure: string | null;
}

/** What the runs of one commit came to, in one figure. */
export interface Side {
  readonly median: number;
  /** From the least to the greatest, as a part of the median. */
  readonly spread: number;
  readonly runs: readonly number[];
}

/** One figure of a case, of both commits. */
export interface ComparedFigure {
  readonly figure: FigureName;
  readonly before: Side;
  readonly now: Side;
  /** Of the medians: now to before. */
  readonly ratio: number;
  /**
   * The same of the two runs of each round. They were made at the same time, so the median of these is the better guess where rounds
   * differ much from one another.
   */
  readonly roundRatios: Side;
}

export type FigureName = 'rate' | 'p50' | 'p99' | 'service' | 'postgres';

/** Whether what an operation costs is the same for both commits. */
export interface Verdict {
  /** Absent where nothing could be judged. */
  readonly isWithin?: boolean;
  readonly judged: readonly ComparedFigure[];
  /** Costs that are so small a part of the whole that their noise is greater than what is looked for. */
  readonly tooSmall: readonly ComparedFigure[];
}

/** How far (as a part) the medians of two commits may be apart. */
export const TOLERANCE = 0.05;

/** A cost that is a smaller part of all that an operation costs is not judged, unless it grows to be a larger one. */
export const LEAST_PART = 0.1;

/** 1.05 is no number of the computer's. */
const ROUNDING = 1e-9;

const FIGURES: Readonly<Record<FigureName, (run: Measured) => number | undefined>> = {
  rate: run => run.perSecond,
  p50: run => run.p50,
  p99: run => run.p99,
  service: run => microsEach(run, run.serviceCores),
  postgres: run => microsEach(run, run.postgresCores),
};

/** The figures that every run of both commits has. */
export function compareRuns({ before, now }: Pick<ComparedRuns, 'before' | 'now'>): ComparedFigure[] {
  return (Object.keys(FIGURES) as FigureName[]).flatMap(figure => {
    const of = (runs: readonly Measured[]) => runs.map(FIGURES[figure]);
    const [then, today] = [of(before), of(now)];
    if (!areAllThere(then) || !areAllThere(today)) return [];
    const ratios = today.slice(0, then.length).map((value, round) => value! / then[round]!);
    const [a, b] = [sideOf(then), sideOf(today)];
    return [{ figure, before: a, now: b, ratio: b.median / a.median, roundRatios: sideOf(ratios) }];
  });
}

/** Judges what an operation costs; throughput and latency of the same code differ too much from run to run. */
export function judge(figures: readonly ComparedFigure[]): Verdict {
  const costs = figures.filter(({ figure }) => figure === 'service' || figure === 'postgres');
  const partOf = (cost: ComparedFigure, side: 'before' | 'now') =>
    cost[side].median / costs.reduce((sum, other) => sum + other[side].median, 0);
  const isLarge = (cost: ComparedFigure) => partOf(cost, 'before') >= LEAST_PART || partOf(cost, 'now') >= LEAST_PART;
  const judged = costs.filter(isLarge);
  const tooSmall = costs.filter(cost => !isLarge(cost));
  if (judged.length === 0) return { judged, tooSmall };
  return { isWithin: judged.every(isWithin), judged, tooSmall };
}

/** Whether the medians of a figure are as near to one another as they have to be. */
export const isWithin = ({ ratio }: Pick<ComparedFigure, 'ratio'>): boolean =>
  Math.abs(ratio - 1) <= TOLERANCE + ROUNDING;

const sideOf = (runs: readonly number[]): Side => ({ median: median(runs), spread: spread(runs), runs });

const areAllThere = (values: readonly (number | undefined)[]): values is readonly number[] =>
  values.length > 0 && values.every(value => value !== undefined && Number.isFinite(value));
