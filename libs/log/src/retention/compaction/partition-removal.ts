import pRetry from 'p-retry';
import { type Client } from 'pg';

/** How long (ms) a statement waits for a lock. Nobody waits behind it meanwhile but those who make partitions. */
const LOCK_TIMEOUT_MS = 5_000;
const TRIES = 20;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 3_000;

/** A lock was not to be had in time, a deadlock; or a detach is under way already, and has to be finished first. */
const PASSING = new Set(['55P03', '40P01']);

type Attachment = 'attached' | 'leaving' | 'loose' | 'gone';

const ATTACHMENT = `
  select case when i.inhrelid is null then 'loose' when i.inhdetachpending then 'leaving' else 'attached' end as attachment
  from pg_class c left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'service_event'::regclass
  where c.oid = to_regclass(quote_ident($1))`;

/** Takes partitions out of the log and away, without keeping anybody who reads or writes waiting. */
export class PartitionRemoval {
  constructor(
    private readonly client: Client,
    private readonly lockTimeoutMs = LOCK_TIMEOUT_MS,
    private readonly tries = TRIES,
  ) {}

  /**
   * Detaches a partition, or finishes what was begun. `concurrently` waits for all queries that use the log, under a lock
   * that lets others through.
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
        if (attachment === 'leaving') {
          await this.client.query(`alter table service_event detach partition ${table} finalize`);
        }
      },
      {
        retries: this.tries - 1,
        minTimeout: FIRST_RETRY_MS,
        maxTimeout: LAST_RETRY_MS,
        randomize: true,
        shouldRetry: ({ error }) => PASSING.has((error as { code?: string }).code ?? ''),
      },
    );
  }

  /**
   * Drops a detached partition, if it is there still.
   * @param upTo no event in it may lie after this revision
   */
  async drop(name: string, upTo: number): Promise<void> {
    const attachment = await this.attachment(name);
    if (attachment === 'gone') return;
    const table = this.client.escapeIdentifier(name);
    const { rows } = await this.client.query<{ last: string | null }>(`select max(revision) as last from ${table}`);
    if (attachment !== 'loose' || Number(rows[0]?.last ?? 0) > upTo) {
      throw new Error(`The table ${name} is not one that was cut off at revision ${upTo}. It stays.`);
    }
    await this.client.query(`drop table ${table}`);
  }

  private async attachment(name: string): Promise<Attachment> {
    const { rows } = await this.client.query<{ attachment: Attachment }>(ATTACHMENT, [name]);
    return rows[0]?.attachment ?? 'gone';
  }
}
