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

/** So many failures in a row are told in health and metrics: a single one is often that of a connection which was closed. */
const TOLD_FROM = 2;

/** A turn without any progress for so long (ms) counts as one that hangs: all that turns wait for has shorter limits. */
export const HANGS_AFTER_MS = 60_000;

/** After so long (ms) without another failure, that of a task which runs on demand is forgotten. */
export const FORGOTTEN_AFTER_MS = 300_000;

/** A turn that failed comes again after this time (ms), roughly, if not sooner: nobody shall wait an hour for the next one. */
const RETRY_MS = 5_000;
const RETRY_JITTER = 0.5;

/** One turn that is under way. Whoever began it ends it in one of three ways. */
export interface TaskTurn {
  /** Tells that the turn goes on, however long it takes. */
  readonly progress: () => void;
  succeeded(): void;
  failed(error: unknown): void;
  /** It came to nothing, and this says nothing of the task: the node is ending, or lost the role in which it did it. */
  dropped(): void;
}

export interface BackgroundTaskTools {
  readonly clock: Clock;
  readonly log: TaskLog;
}

/** How the turns of a task come again. */
export interface TaskRepetition extends Repetition {
  /** After which time (ms), roughly, a turn that failed comes again, if that is sooner than usual. */
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

/** One thing that this node does again and again by itself: how its turns end, and what there is to tell of that. */
export class BackgroundTask {
  private readonly lines: TroubleLines;
  private readonly turns = new Set<UnderWay>();
  private lastRun: FailedRun | undefined;
  private lastSuccess: Date | undefined;
  private failureCount = 0;

  constructor(
    readonly name: BackgroundTaskName,
    private readonly tools: BackgroundTaskTools,
  ) {
    this.lines = new TroubleLines(name, tools.log, tools.clock);
  }

  /** How many turns have failed since the node started. */
  get failures(): number {
    return this.failureCount;
  }

  /** When a turn last succeeded; undefined: none has since the node started. */
  get lastSuccessAt(): Date | undefined {
    return this.lastSuccess;
  }

  /** What is wrong; undefined: nothing, or one failure that may have been a chance. */
  get trouble(): TaskTrouble | undefined {
    const run = this.failedRun;
    const hung = this.hungTurn;
    if (hung) return this.describe(run && run.since < hung.since ? run.since : hung.since, run);
    return run && run.failures >= TOLD_FROM ? this.describe(run.since, run) : undefined;
  }

  /** Begins a turn; several may be under way. */
  begin(): TaskTurn {
    const { clock } = this.tools;
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
   * Does one turn, and notes how it ends.
   * @param work may call what it is given whenever it has come further, if it takes long
   * @param signal after which a failure is none of the task, because the node is ending
   * @throws what the work throws
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

  /** Does one turn that waits for nothing. What it throws is noted, and goes no further. */
  attempt(work: () => void): void {
    try {
      work();
      this.succeeded();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Does turns as `repeat` does. A turn that fails is noted, and comes again soon. */
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
    this.lastSuccess = this.tools.clock.now();
    this.endRun('works again');
  }

  failed(error: unknown): void {
    const { clock } = this.tools;
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

  /** This node does not have to do it at present: that it failed before is no longer its concern. */
  rests(): void {
    this.endRun('has nothing to do on this node now');
  }

  /** Says again what is wrong, if it is time to. */
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
    return this.tools.clock.monotonicMs() - lastRun.lastAtMs < FORGOTTEN_AFTER_MS ? lastRun : undefined;
  }

  private get hungTurn(): UnderWay | undefined {
    const before = this.tools.clock.monotonicMs() - HANGS_AFTER_MS;
    for (const turn of this.turns) if (turn.progressAtMs <= before) return turn;
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

/** Whether an error is a mistake in our code: then its stack is worth a line. */
const isMistake = (error: unknown): error is Error =>
  error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
