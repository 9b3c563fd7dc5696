/** What a node is like at a moment. */
export interface NodeSample {
  readonly rssMiB: number;
  readonly heapMiB: number;
  readonly eventLoopP99Ms: number;
  readonly writeQueue: number;
  readonly renewalsWaiting: number;
  readonly watchBacklogKiB: number;
  readonly connections: number;
  /** Revisions that the node is behind the head. */
  readonly lag: number;
}

/** What a table is like at a moment. */
export interface TableSample {
  readonly MiB: number;
  readonly deadRows: number;
}

/** All that is looked at, every so many seconds. */
export interface SoakSample {
  /** Since the load began (s). */
  readonly second: number;
  readonly nodes: readonly NodeSample[];
  readonly tables: Readonly<Record<string, TableSample>>;
  readonly postgresConnections: number;
  readonly revision: number;
}

/** What the load did, and what came of it. */
export interface SoakLoadResult {
  readonly done: Readonly<Record<string, number>>;
  /** Answers that were not as they should be, by what was asked and what came. */
  readonly errors: Readonly<Record<string, number>>;
  readonly watchers: readonly WatcherRecord[];
}

export interface WatcherRecord {
  readonly namespace: string;
  readonly service: string;
  /** Revision of the snapshot that it began with. */
  readonly since: number;
  /** What it was told after that, in that order. */
  readonly told: readonly number[];
}

/** What was found at the end. */
export interface SoakFindings {
  readonly chainValid: boolean;
  /** Watchers that were not told exactly what the log has of their service, in order. */
  readonly wrongWatchers: number;
  /** Leases that ended, although all were renewed. */
  readonly ended: number;
  readonly errors: Readonly<Record<string, number>>;
}

export interface Verdict {
  readonly what: string;
  readonly met: boolean;
  readonly seen: string;
}

export interface SoakOptions {
  readonly minutes: number;
  readonly nodes: number;
  readonly instances: number;
  readonly ttlSeconds: number;
  readonly watchers: number;
  /** Of each kind, per second. */
  readonly discoveries: number;
  readonly searches: number;
  readonly changes: number;
  /** Instances that come, and as many that go, per second. */
  readonly arrivals: number;
}

/** A run, all of it. */
export interface SoakReport {
  readonly at: string;
  readonly machine: string;
  readonly database: string;
  readonly options: SoakOptions;
  readonly samples: readonly SoakSample[];
  readonly done: Readonly<Record<string, number>>;
  readonly findings: SoakFindings;
  readonly verdicts: readonly Verdict[];
}
