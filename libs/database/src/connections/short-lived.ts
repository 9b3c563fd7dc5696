import { type ClientBase } from 'pg';

/** How often (ms) the server checks whether the client of a statement is still there, also while that waits for a lock. */
const LOOK_EVERY_MS = 2_000;

/** How long (ms) a transaction may wait for its client between two statements. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/** After how long (s) without traffic, how often, and how many times the server checks whether the machine of the client is there. */
const KEEP_ALIVE = { idle: 10, interval: 5, count: 3 } as const;

/**
 * Not where a pooler answers, whose process ids are made up: there the settings would stay with a session that others get.
 */
const LIMITS = `
  select set_config('client_connection_check_interval', '${LOOK_EVERY_MS}', false),
    set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false),
    set_config('tcp_keepalives_idle', '${KEEP_ALIVE.idle}', false),
    set_config('tcp_keepalives_interval', '${KEEP_ALIVE.interval}', false),
    set_config('tcp_keepalives_count', '${KEEP_ALIVE.count}', false)
  where pg_backend_pid() = $1`;

/**
 * Makes the server end the statements of a client that is gone: by default, a statement that waits for a lock goes on
 * waiting, blocks others, and is carried out in the end. For connections whose statements have no time limit.
 */
export function shortLived(client: ClientBase): void {
  // `pg` keeps the process id of the server without having it in its types.
  const { processID } = client as unknown as { readonly processID: number | null };
  // A server that cannot check its clients works without; one that does not answer is noticed by the next statement.
  client.query(LIMITS, [processID]).catch(() => undefined);
}
