import { type BackgroundTaskName } from '@coordination/kernel';

/** What is wrong with a background task, as health and the log show it. Times are RFC 3339 in UTC, by the clock of the node. */
export interface TaskTrouble {
  readonly task: BackgroundTaskName;
  /** What callers and operators notice meanwhile. */
  readonly effect: string;
  /** When the first failure after the last success occurred, or when the turn that hangs began. */
  readonly since: string;
  readonly failuresInARow: number;
  /** Why the last turn failed; without statements and passwords. */
  readonly lastError: string;
  /** The SQLSTATE of that error; null: it is not an error of PostgreSQL. */
  readonly sqlState: string | null;
  /** null: no turn has succeeded since the node started. */
  readonly lastSuccessAt: string | null;
}
