import { type ClientBase } from 'pg';

/** How often (ms) the server looks whether the client of a statement is still there, also while that waits for a lock. */
const LOOK_EVERY_MS = 2_000;

/** How long (ms) a transaction may wait for its client between two statements. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/** After how long (s) without a word, how often, and how many times the server asks whether the machine of the client is there. */
const KEEP_ALIVE = { idle: 10, interval: 5, count: 3 } as const;

/**
 * Not where a pooler answers, which names no process truly: there the settings would stay with a session that others get.
 */
const LIMITS = `
  select set_config('client_connection_check_interval', '${LOOK_EVERY_MS}', false),
    set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false),
    set_config('tcp_keepalives_idle', '${KEEP_ALIVE.idle}', false),
    set_config('tcp_keepalives_interval', '${KEEP_ALIVE.interval}', false),
    set_config('tcp_keepalives_count', '${KEEP_ALIVE.count}', false)
  where pg_backend_pid() = $1`;

/**
 * Sees to it that nothing is left on the server of a connection whose client is gone: by itself, a statement that waits for
 * a lock goes on waiting, stands in the way of others, and is carried out in the end. For connections whose statements may
 * take as long as they like.
 */
export function shortLived(client: ClientBase): void {
  // `pg` keeps what the server said without having it in its types.
  const { processID } = client as unknown as { readonly processID: number | null };
  // A server that cannot watch its clients goes on without; one that does not answer is found out by the next statement.
  client.query(LIMITS, [processID]).catch(() => undefined);
}
