import { type BenchPostgres } from './harness/bench-postgres.js';
import { type Turn } from './harness/turns.js';
import { type Pg1Tool } from './yardsticks/pg1.js';

/** A build of the service that is measured in place of the one of this tree. */
export interface ServiceBuild {
  /** The directory in which it was built. */
  readonly checkout: string;
  /** The database with its tables, of which each run gets a copy. */
  readonly template: string;
}

/** What all cases work with. */
export interface BenchContext {
  readonly postgres: BenchPostgres;
  readonly pg1Tool: Pg1Tool;
  /** How long one measurement lasts, after its warm-up (s). */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How many operations a warm-up has at least, and into how many slices a load is cut: see `LoadJob`. */
  readonly warmUpOperations?: number;
  readonly slices?: number;
  /** Where two measurements go on at the same time: the turns of this one. */
  readonly turn?: Turn;
  /** Absent: that of this tree. */
  readonly build?: ServiceBuild;
}

/** What one run of a case or of a yardstick gave. */
export interface Measured {
  /** What the case counts, per second; for cases that count nothing, absent. */
  readonly perSecond?: number;
  /** Latency (ms). */
  readonly p50?: number;
  readonly p99?: number;
  /** Cores that were busy on average, of all nodes and of PostgreSQL. */
  readonly serviceCores?: number;
  readonly postgresCores?: number;
  /** How long (s) that was looked at. */
  readonly busySeconds?: number;
  /** Operations that were answered meanwhile; absent where a case does not count them. */
  readonly operations?: number;
  /** Whatever else was seen, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A target: met when the figure is at least `atLeast`, or at most `atMost`. */
export type Target = { readonly what: string } & (
  | { readonly of: 'ratio' | 'perSecond'; readonly atLeast: number; readonly aim?: number }
  | { readonly of: 'p99'; readonly atMost: number }
  | { readonly of: `figure ${string}`; readonly atMost: number }
);

/** What a case is compared with. */
export interface Yardstick {
  readonly name: string;
  readonly measure: (context: BenchContext) => Promise<Measured>;
}

/** Where a case stands among others that do the same with more: how its figures grow is what they are for. */
export interface Growth {
  readonly family: 'scale' | 'log';
  /** What there is more of. */
  readonly of: string;
  readonly size: number;
}

/** One thing that is measured. A run throws when what it did was not right: a wrong answer has no speed. */
export interface BenchCase {
  readonly name: string;
  readonly work: string;
  readonly unit: string;
  readonly yardstick?: Yardstick;
  readonly growth?: Growth;
  readonly targets: readonly Target[];
  readonly measure: (context: BenchContext) => Promise<Measured>;
}
