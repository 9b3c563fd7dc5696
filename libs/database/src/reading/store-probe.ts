import { AwakeTimer } from '@coordination/scheduling';
import { Injectable } from '@nestjs/common';
import { Databases } from '../connections/databases.js';
import { READ_ONLY_STATE } from '../servers/server-state.js';
import { query } from './query.js';
import { readStatement } from './read-statement.js';
import { LATE, type MetTrouble, READ_ONLY, type Trouble, troubleOf } from '../errors/trouble.js';

/** How long (ms) a caller waits for the answer of the server; stalls of this process do not count. */
const PATIENCE_MS = 500;

/** Every write needs the head. A server that only reads can return its head as well, so the statement asks for that too. */
const NEEDED_BY_ALL = `select current_setting('transaction_read_only') as "readOnly" from catalog_head where id = 1`;

/** Whether the database can be used. */
export interface StoreState {
  /** Whether it answers, and no other user of it has met a lasting error at the moment. */
  readonly isUsable: boolean;
  /** The present error; else the one of a moment ago. */
  readonly lastError: MetTrouble | undefined;
}

/** Checks the database, and combines the result with the errors that other users of it have met. */
@Injectable()
export class StoreProbe {
  private asking: Promise<Trouble | undefined> | undefined;

  constructor(private readonly databases: Databases) {}

  /** Answers within a bounded time, and never throws. */
  async look(): Promise<StoreState> {
    // One check at a time: monitors ask again while a server is silent, and would take one connection after the other.
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    const { promise: late, resolve } = Promise.withResolvers<Trouble>();
    const timer = new AwakeTimer(this.databases.stalls, PATIENCE_MS, () => resolve({ message: LATE }));
    const found = await Promise.race([this.asking, late]);
    timer.cancel();
    const { troubles } = this.databases;
    const { present, recent } = troubles;
    const error = found ? troubles.met(found) : present;
    return { isUsable: error === undefined, lastError: error ?? recent };
  }

  private async ask(): Promise<Trouble | undefined> {
    try {
      const [row] = await readStatement(this.databases, em => query<{ readOnly: string }>(em, NEEDED_BY_ALL), {
        purpose: 'upkeep',
      });
      return row?.readOnly === 'on' ? { code: READ_ONLY_STATE, message: READ_ONLY } : undefined;
    } catch (error) {
      return troubleOf(error);
    }
  }
}
