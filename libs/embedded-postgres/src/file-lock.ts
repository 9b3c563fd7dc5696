import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';

const RETRY_MS = 50;
/** SQLITE_BUSY: another process has the lock. */
const BUSY = 5;

/**
 * A lock on a file between processes. The kernel holds it (through SQLite, the only file lock that Node has on every
 * platform), so it ends with its process, however that ends: there are no stale locks to recognise.
 */
export class FileLock {
  private constructor(private readonly database: DatabaseSync) {}

  /** The lock, or undefined when another holder has it. */
  static tryAcquire(path: string): FileLock | undefined {
    const database = open(path);
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new FileLock(database);
    } catch (error) {
      database.close();
      if ((error as { errcode?: number }).errcode === BUSY) return undefined;
      throw cannotLock(path, error);
    }
  }

  /**
   * Waits for the lock.
   * @throws Error when it is still taken after `timeoutMs`
   */
  static async acquire(path: string, timeoutMs: number): Promise<FileLock> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const lock = FileLock.tryAcquire(path);
      if (lock) return lock;
      if (performance.now() > deadline) {
        throw new Error(`Another process has held ${path} for ${timeoutMs / 1000} s. End it, then start again.`);
      }
      await delay(RETRY_MS * (0.5 + Math.random()));
    }
  }

  release(): void {
    this.database.close();
  }
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw cannotLock(path, error);
  }
}

/** SQLite does not name the file. One that holds something else stays as it is. */
const cannotLock = (path: string, error: unknown): Error =>
  new Error(`${path} cannot be locked: ${(error as Error).message}.`, { cause: error });
