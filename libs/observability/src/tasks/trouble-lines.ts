import { type BackgroundTaskName, type Clock } from '@coordination/kernel';
import { type TaskTrouble } from './task-trouble.js';

/** How often (ms) a task may log that it fails. */
export const SAY_EVERY_MS = 60_000;

/** How the trouble of a task ends: by a success, or because this node does not have to do the task any more. */
export type TroubleEnd = 'works again' | 'has nothing to do on this node now';

/** Takes log lines, each an object with its text in `msg`. */
export interface TaskLog {
  warn(line: object): void;
  log(line: object): void;
}

/**
 * The log lines of one task: one when it begins to fail, then one a minute as long as it fails, and one when it is over. A
 * task that alternates between failure and success does not log more than that.
 */
export class TroubleLines {
  private quietUntilMs = -Infinity;
  private logged: TaskTrouble | undefined;

  constructor(
    private readonly task: BackgroundTaskName,
    private readonly log: TaskLog,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  /**
   * Logs what is wrong, unless the task has logged something within the last minute.
   * @param mistake a programming error, whose stack is logged
   */
  trouble(trouble: TaskTrouble, mistake?: Error): void {
    const now = this.clock.monotonicMs();
    if (now < this.quietUntilMs) return;
    this.quietUntilMs = now + SAY_EVERY_MS;
    this.logged = trouble;
    this.log.warn({ msg: textOf(trouble), ...trouble, ...(mistake && { err: mistake }) });
  }

  /** Logs that the trouble is over, if it was logged before. @param failures how many there were in a row */
  over(what: TroubleEnd, failures: number): void {
    const { logged, task } = this;
    if (!logged) return;
    this.logged = undefined;
    const { since } = logged;
    const failed = failures === 0 ? 'it had hung' : `it had failed ${times(failures)}`;
    this.log.log({ msg: `The task ${task} ${what}; ${failed} since ${since}.`, task, since, failuresInARow: failures });
  }
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

function textOf({ task, effect, since, failuresInARow, lastError, sqlState }: TaskTrouble): string {
  const reason = sqlState === null ? lastError : `${lastError} (SQLSTATE ${sqlState})`;
  const failed =
    failuresInARow === 0
      ? 'hangs'
      : failuresInARow === 1
        ? 'failed'
        : `has failed ${times(failuresInARow)} in a row since ${since}`;
  return `The task ${task} ${failed}: ${reason}. It is tried again. Meanwhile: ${effect}`;
}
