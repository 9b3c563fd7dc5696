import pRetry from 'p-retry';
import { type Client } from 'pg';

/** How long (ms) a statement waits for a lock. Meanwhile it only blocks the creation of partitions. */
const LOCK_TIMEOUT_MS = 5_000;
const TRIES = 20;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 3_000;

/** Errors after which a retry helps: lock timeout, and deadlock. */
const TRANSIENT = new Set(['55P03', '40P01']);

type Attachment = 'attached' | 'detaching' | 'detached' | 'dropped';

const ATTACHMENT = `
  select case when i.inhrelid is null then 'detached' when i.inhdetachpending then 'detaching' else 'attached' end as attachment
  from pg_class c left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'service_event'::regclass
  where c.oid = to_regclass(quote_ident($1))`;

/** Detaches and drops partitions of the log, without blocking reads or writes. */
export class PartitionRemoval {
  constructor(
    private readonly client: Client,
    private readonly lockTimeoutMs = LOCK_TIMEOUT_MS,
    private readonly tries = TRIES,
  ) {}

  /**
   * Detaches a partition, or finishes a detachment that was begun. `concurrently` waits for all queries that use the log, and
   * holds a lock that does not block others.
   */
  async detach(name: string): Promise<void> {
    await pRetry(
      async () => {
        await this.client.query(`set lock_timeout = ${this.lockTimeoutMs}`);
        const attachment = await this.attachment(name);
        const table = this.client.escapeIdentifier(name);
        if (attachment === 'attached') {
          await this.client.query(`alter table service_event detach partition ${table} concurrently`);
        }
        if (attachment === 'detaching') {
          await this.client.query(`alter table service_event detach partition ${table} finalize`);
        }
      },
      {
        retries: this.tries - 1,
        minTimeout: FIRST_RETRY_MS,
        maxTimeout: LAST_RETRY_MS,
        randomize: true,
        shouldRetry: ({ error }) => TRANSIENT.has((error as { code?: string }).code ?? ''),
      },
    );
  }

  /**
   * Drops a detached partition, if it still exists.
   * @param upTo the partition must not have events after this revision
   */
  async drop(name: string, upTo: number): Promise<void> {
    const attachment = await this.attachment(name);
    if (attachment === 'dropped') return;
    const table = this.client.escapeIdentifier(name);
    const { rows } = await this.client.query<{ last: string | null }>(`select max(revision) as last from ${table}`);
    if (attachment !== 'detached' || Number(rows[0]?.last ?? 0) > upTo) {
      throw new Error(
        `The table ${name} is not a detached partition with events up to revision ${upTo} only. It was not dropped.`,
      );
    }
    await this.client.query(`drop table ${table}`);
  }

  private async attachment(name: string): Promise<Attachment> {
    const { rows } = await this.client.query<{ attachment: Attachment }>(ATTACHMENT, [name]);
    return rows[0]?.attachment ?? 'dropped';
  }
}
