import { type Databases } from '../connections/databases.js';
import { query } from './query.js';
import { readStatement } from './read-statement.js';
import { LATE, type MetTrouble, READ_ONLY, type Trouble, troubleOf } from '../errors/trouble.js';

/** How long (ms) whoever asks waits for an answer of the server. */
const PATIENCE_MS = 500;

/** The head is what every write needs; a server that only reads tells its head all the same. */
const NEEDED_BY_ALL = `select current_setting('transaction_read_only') as "readOnly" from catalog_head where id = 1`;

/** PostgreSQL: read_only_sql_transaction. */
const READ_ONLY_STATE = '25006';

/** How the database is. */
export interface StoreState {
  /** Whether it answers, and nothing is known that it refuses at the moment. */
  readonly isUsable: boolean;
  /** What stands in the way; or what did a moment ago. */
  readonly lastError: MetTrouble | undefined;
}

/** Asks the database how it is, and tells with it what was found by those who use it. */
export class StoreProbe {
  private asking: Promise<Trouble | undefined> | undefined;

  constructor(private readonly databases: Databases) {}

  /** Never waits long, and never fails. */
  async look(): Promise<StoreState> {
    // One question at a time: monitors come again while a server is silent, and would take one connection after the other.
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    const { promise: late, resolve } = Promise.withResolvers<Trouble>();
    const timer = setTimeout(resolve, PATIENCE_MS, { message: LATE });
    const found = await Promise.race([this.asking, late]);
    clearTimeout(timer);
    const { troubles } = this.databases;
    const { present, recent } = troubles;
    const standing = found ? troubles.met(found) : present;
    return { isUsable: standing === undefined, lastError: standing ?? recent };
  }

  private async ask(): Promise<Trouble | undefined> {
    try {
      const [row] = await readStatement(this.databases, em => query<{ readOnly: string }>(em, NEEDED_BY_ALL));
      return row?.readOnly === 'on' ? { code: READ_ONLY_STATE, message: READ_ONLY } : undefined;
    } catch (error) {
      return troubleOf(error);
    }
  }
}
