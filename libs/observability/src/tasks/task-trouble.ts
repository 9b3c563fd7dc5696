import { type BackgroundTaskName } from '@coordination/kernel';

/** What is wrong with a background task, as people are told of it. Times are RFC 3339 in UTC, by the clock of the node. */
export interface TaskTrouble {
  readonly task: BackgroundTaskName;
  /** What callers and operators notice meanwhile. */
  readonly effect: string;
  /** When the first failure came after which no turn has succeeded, or when the turn began that hangs. */
  readonly since: string;
  readonly failuresInARow: number;
  /** Why the last turn failed; without statements and passwords. */
  readonly lastError: string;
  /** The code by which PostgreSQL names that error; null: it is not an error of PostgreSQL. */
  readonly sqlState: string | null;
  /** null: no turn has succeeded since the node started. */
  readonly lastSuccessAt: string | null;
}
