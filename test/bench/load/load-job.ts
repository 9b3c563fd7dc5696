/** What one load process does. Plain JSON, since it goes to a process of its own. */
export interface LoadJob {
  /** Nodes; each request goes to one of them. */
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Load that is not counted comes first. */
  readonly warmUpSeconds: number;
  /**
   * The warm-up goes on until so many have been answered, or has lasted {@link LONGEST_WARM_UP} times as long: on a busy
   * machine a node gets warm by what it does, not by time.
   */
  readonly warmUpOperations?: number;
  /** Into how many parts the load is cut, with a pause before each of them; 1 where it is absent. */
  readonly slices?: number;
  /** Requests per second of all connections together; absent: as many as there can be. */
  readonly perSecond?: number;
  readonly workload: Workload;
}

/** What a load is about to do, or that it has done it: its parent is told, and answers when it may go on. */
export type LoadPhase = 'warm-up' | 'load' | 'end';

/** How many times as long a warm-up may last. */
export const LONGEST_WARM_UP = 10;

/** The requests of a load. */
export type Workload =
  | { readonly kind: 'same'; readonly request: LoadRequest }
  | { readonly kind: 'in-turn'; readonly requests: readonly LoadRequest[] }
  /** New instances, so many with each request; names begin with the prefix. */
  | { readonly kind: 'register'; readonly prefix: string; readonly perRequest: number }
  /** What the system that this one replaces was measured with: register, discover, report health, read. */
  | { readonly kind: 'mixed'; readonly prefix: string };

export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What came of a load, without its warm-up. */
export interface LoadResult {
  readonly perSecond: number;
  /** Latency in ms; of several slices the medians. */
  readonly p50: number;
  readonly p99: number;
  /** Answers by status, those of the warm-up included. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers, those of the warm-up not included. */
  readonly operations: number;
  /** Requests without an answer, such as broken connections. */
  readonly failures: number;
  /** Requests that were sent, those of the warm-up and those in flight at the end included. */
  readonly sent: number;
}
