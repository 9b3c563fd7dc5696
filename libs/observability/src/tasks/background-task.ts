import {
  BACKGROUND_TASKS,
  type BackgroundTaskName,
  type Clock,
  failureText,
  type FailureText,
  repeat,
  type Repetition,
} from '@coordination/kernel';
import { type TaskTrouble } from './task-trouble.js';
import { type TaskLog, type TroubleEnd, TroubleLines } from './trouble-lines.js';

/** From so many failures in a row on, health and metrics show it. A single one is often that of a closed connection. */
const TROUBLE_FROM = 2;

/**
 * A turn without progress for so long (ms) counts as hanging: whatever turns wait for has shorter limits. Stalls of this process
 * do not count.
 */
export const HANGS_AFTER_MS = 60_000;

/** After so long (ms) without another failure, the failure of a task that runs on demand is forgotten. */
export const FORGOTTEN_AFTER_MS = 300_000;

/** A turn that failed is repeated after about this time (ms), if the task has a longer period. */
const RETRY_MS = 5_000;
const RETRY_JITTER = 0.5;

/** One turn that is under way. The caller that began it must end it in one of three ways. */
export interface TaskTurn {
  /** Reports that the turn makes progress, however long it takes. */
  readonly progress: () => void;
  succeeded(): void;
  failed(error: unknown): void;
  /** Ends the turn without a result for the task: the node is ending, or has lost the role that the task belongs to. */
  dropped(): void;
}

/** How the turns of a task are repeated. */
export interface TaskRepetition extends Repetition {
  /** After about this time (ms) a turn that failed is repeated, if that is sooner than usual. */
  readonly retryMs?: number;
}

interface FailedRun {
  readonly since: Date;
  readonly failures: number;
  readonly last: FailureText;
  readonly lastAtMs: number;
}

interface UnderWay {
  readonly since: Date;
  progressAtMs: number;
}

/** A task that this node repeats by itself: records how its turns end, and derives its state from that. */
export class BackgroundTask {
  private readonly lines: TroubleLines;
  private readonly turns = new Set<UnderWay>();
  private lastRun: FailedRun | undefined;
  private lastSuccess: Date | undefined;
  private failureCount = 0;

  constructor(
    readonly name: BackgroundTaskName,
    private readonly clock: Clock,
    log: TaskLog,
    private readonly stalledMsSince: (sinceMs: number) => number = () => 0,
  ) {
    this.lines = new TroubleLines(name, log, clock);
  }

  /** How many turns have failed since the node started. */
  get failures(): number {
    return this.failureCount;
  }

  /** When a turn last succeeded; undefined: none has succeeded since the node started. */
  get lastSuccessAt(): Date | undefined {
    return this.lastSuccess;
  }

  /** What is wrong; undefined: nothing, or a single failure, which may be accidental. */
  get trouble(): TaskTrouble | undefined {
    const run = this.failedRun;
    const hung = this.hungTurn;
    if (hung) return this.describe(run && run.since < hung.since ? run.since : hung.since, run);
    return run && run.failures >= TROUBLE_FROM ? this.describe(run.since, run) : undefined;
  }

  /** Begins a turn; several may be under way. */
  begin(): TaskTurn {
    const { clock } = this;
    const underWay: UnderWay = { since: clock.now(), progressAtMs: clock.monotonicMs() };
    this.turns.add(underWay);
    const end = () => this.turns.delete(underWay);
    return {
      progress: () => void (underWay.progressAtMs = clock.monotonicMs()),
      succeeded: () => {
        if (end()) this.succeeded();
      },
      failed: error => {
        if (end()) this.failed(error);
      },
      dropped: () => void end(),
    };
  }

  /**
   * Does one turn, and records how it ends.
   * @param work calls its argument from time to time if it takes long
   * @param signal once it is aborted, failures do not count, because the node is ending
   * @throws the error of the work
   */
  async turn<T>(work: (progress: () => void) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = this.begin();
    try {
      const result = await work(turn.progress);
      turn.succeeded();
      return result;
    } catch (error) {
      if (signal?.aborted) turn.dropped();
      else turn.failed(error);
      throw error;
    }
  }

  /** Does one synchronous turn. Its error is recorded and not rethrown. */
  attempt(work: () => void): void {
    try {
      work();
      this.succeeded();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Does turns as `repeat` does. A turn that fails is recorded, and repeated soon. */
  async repeat(
    turn: (progress: () => void) => Promise<number | void>,
    { everyMs, signal, retryMs = RETRY_MS, ...rest }: TaskRepetition,
  ): Promise<void> {
    const attempt = async () => {
      try {
        return await this.turn(turn, signal);
      } catch {
        return everyMs > retryMs ? retryMs * (1 - RETRY_JITTER * Math.random()) : undefined;
      }
    };
    await repeat(attempt, { everyMs, signal, ...rest });
  }

  succeeded(): void {
    this.lastSuccess = this.clock.now();
    this.endRun('works again');
  }

  failed(error: unknown): void {
    const { clock } = this;
    this.failureCount += 1;
    const run = this.failedRun;
    this.lastRun = {
      since: run?.since ?? clock.now(),
      failures: (run?.failures ?? 0) + 1,
      last: failureText(error),
      lastAtMs: clock.monotonicMs(),
    };
    this.lines.trouble(this.describe(this.lastRun.since, this.lastRun), isMistake(error) ? error : undefined);
  }

  /** This node does not have to do the task at present, so earlier failures no longer matter. */
  rests(): void {
    this.endRun('has nothing to do on this node now');
  }

  /** Repeats the log line of the trouble, if it is time. */
  remind(): void {
    const { trouble } = this;
    if (trouble) this.lines.trouble(trouble);
  }

  private endRun(what: TroubleEnd): void {
    const failures = this.lastRun?.failures ?? 0;
    this.lastRun = undefined;
    this.lines.over(what, failures);
  }

  private get failedRun(): FailedRun | undefined {
    const { lastRun } = this;
    if (!lastRun || !BACKGROUND_TASKS[this.name].isOnDemand) return lastRun;
    return this.clock.monotonicMs() - lastRun.lastAtMs < FORGOTTEN_AFTER_MS ? lastRun : undefined;
  }

  private get hungTurn(): UnderWay | undefined {
    const before = this.clock.monotonicMs() - HANGS_AFTER_MS;
    for (const turn of this.turns) {
      if (turn.progressAtMs <= before - this.stalledMsSince(turn.progressAtMs)) return turn;
    }
    return undefined;
  }

  private describe(since: Date, run: FailedRun | undefined): TaskTrouble {
    const hangs = { message: `A turn has not ended for more than ${HANGS_AFTER_MS / 1_000} s`, sqlState: null };
    const { message, sqlState } = run?.last ?? hangs;
    return {
      task: this.name,
      effect: BACKGROUND_TASKS[this.name].whileFailing,
      since: since.toISOString(),
      failuresInARow: run?.failures ?? 0,
      lastError: message,
      sqlState,
      lastSuccessAt: this.lastSuccess?.toISOString() ?? null,
    };
  }
}

/** Whether an error is a programming error: then its stack is logged. */
const isMistake = (error: unknown): error is Error =>
  error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
