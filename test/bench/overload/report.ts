import { type ScenarioName } from './scenarios/names.js';

/** What is asked of the case `overload`. */
export interface OverloadOptions {
  /** Names of kinds of readers; see `kinds.ts`. */
  readonly kinds: readonly string[];
  /** How many callers repeat their requests at the same time: one cell for each kind and number. */
  readonly callers: readonly number[];
  /** How long (s) each cell is under load. */
  readonly seconds: number;
  /** Instances, and the services that they are distributed over. */
  readonly instances: number;
  readonly services: number;
  /** Instances of the one large service, which come on top. */
  readonly large: number;
  readonly scenarios: readonly ScenarioName[];
  /** The directory for CPU profiles of the service, one for each window; absent: none are taken. */
  readonly profile?: string | undefined;
}

/** The ways in which heartbeats and probes reach the node: on a kept connection, on a new one each time, `/health/ready`. */
export const LANES = ['kept', 'new', 'ready'] as const;
export type Lane = (typeof LANES)[number];

/** What callers of a lane got in a window of time. */
export interface LaneResult {
  readonly count: number;
  /** How many had no answer yet when the window ended. */
  readonly waiting: number;
  /** Latency (ms); those that still wait count with their age. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** How often each answer came: the status, with the code of the problem if there is one, or the error of the connection. */
  readonly answers: Answers;
}

export type Answers = Readonly<Record<string, number>>;

/** What heartbeats and probes saw in a window of time. */
export interface ProbeWindow {
  readonly lanes: Readonly<Record<Lane, LaneResult>>;
  /** When (ms, Unix time) the newest heartbeat of each instance was sent that was answered 204. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** How late (ms) the prober itself was at worst: latencies cannot be told more exactly. */
  readonly ownDelay: number;
}

/** What of it is reported. */
export type ProbeSummary = Omit<ProbeWindow, 'acknowledged'>;

/** What readers got. */
export interface ReaderResult {
  readonly kind: string;
  readonly callers: number;
  readonly answers: Answers;
  /** Requests without an answer when the load ended. */
  readonly waiting: number;
  /** Latency (ms) of the answers. */
  readonly p50: number;
  readonly p99: number;
  readonly bytes: number;
}

/** What the database tells about leases after a window. */
export interface LeaseFindings {
  /** How long (ms) after the end of its lease the last of the instances that died became unhealthy; NaN where none died. */
  readonly deadLate: number;
  /** Instances that died and had not become unhealthy in time for this report: their lateness is that up to now. */
  readonly deadOpen: number;
  /** Heartbeats that were answered 204, and are in no lease. */
  readonly lost: number;
  /** Instances that renewed, and were ended nevertheless. */
  readonly ended: number;
  /** Guards that began, by reason. */
  readonly guards: Answers;
  readonly roleMoves: number;
}

/** One kind of readers with a number of callers; or several kinds at once. */
export interface CellResult {
  readonly name: string;
  readonly callers: number;
  readonly kindsAtOnce: number;
  readonly probes: ProbeSummary;
  readonly readers: readonly ReaderResult[];
  readonly leases: LeaseFindings;
  /** Resident memory of the service, highest (MiB). */
  readonly rssMiB: number;
  /** What the service says is its budget (MiB); absent where it has none. */
  readonly budgetMiB?: number | undefined;
  /** The longest turn of the event loop (ms), by the service's own metric. */
  readonly longestTurnMs: number;
  /** Processor time (s) of the whole window. */
  readonly cpu: { readonly service: number; readonly postgres: number };
  readonly verdicts: readonly Verdict[];
}

/** Something else that is tried once. */
export interface ScenarioResult {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly verdicts: readonly Verdict[];
}

export interface Verdict {
  readonly what: string;
  readonly met: boolean;
  readonly seen: string;
  /** Whether the run fails when it is missed: what is lost or wrong, and not merely slow. */
  readonly isCorrectness: boolean;
}

/** A run, all of it. */
export interface OverloadReport {
  readonly kind: 'overload';
  readonly at: string;
  readonly machine: string;
  readonly database: string;
  /** Load average of the machine over a minute before the run: what else went on. */
  readonly loadBefore: number;
  readonly options: OverloadOptions;
  /** Heartbeats and probes while nobody else asks for anything. */
  readonly quiet: CellResult;
  readonly cells: readonly CellResult[];
  readonly scenarios: readonly ScenarioResult[];
}
