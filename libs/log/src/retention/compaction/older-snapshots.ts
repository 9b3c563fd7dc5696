import { setTimeout as delay } from 'node:timers/promises';
import { type Client } from 'pg';

const POLL_MS = 200;
const JITTER = 0.5;

interface OlderTransaction {
  readonly pid: number;
  readonly application: string | null;
}

/** Transactions of this database whose snapshot may be older than a transaction id. */
const OLDER = `
  select pid, application_name as application from pg_stat_activity
  where datid = (select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()
    and usesysid is not null and backend_xmin is not null and age(backend_xmin) >= age($1::xid)`;

/** Older transactions have not ended in time. */
export class OlderSnapshotsError extends Error {}

/**
 * Resolves when every snapshot in use includes all commits from before this call.
 * @throws OlderSnapshotsError when an older snapshot is still in use after the time (ms)
 */
export async function untilOlderSnapshotsEnd(client: Client, withinMs: number): Promise<void> {
  const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::xid::text as xid');
  const until = performance.now() + withinMs;
  for (;;) {
    const { rows: older } = await client.query<OlderTransaction>(OLDER, [rows[0]!.xid]);
    if (older.length === 0) return;
    if (performance.now() > until) {
      const named = older.map(({ pid, application }) => `${pid} (${application || 'unnamed'})`).join(', ');
      throw new OlderSnapshotsError(
        `Transactions that are older than the cut have not ended: those of the processes ${named}. They may still read what ` +
          'is to be removed. End them, or wait, and run the command again: it continues where it stopped.',
      );
    }
    await delay(POLL_MS * (1 - JITTER * Math.random()));
  }
}
