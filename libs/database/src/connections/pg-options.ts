import { type ClientConfig } from 'pg';
import { type ConnectionTarget, connectionTarget, patienceOf } from '../servers/connection-target.js';
import { DatabaseClient } from './database-client.js';
import { type SslMode } from '../servers/tls-demand.js';

/** After how long (ms) without traffic the system checks whether the other side is still there. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Options for connections to a server: for a {@link DatabaseClient}, or for a pool of `pg`, which makes such clients. */
export interface PgOptions extends ClientConfig {
  /** A function, because MikroORM copies objects, and would take their functions from them. */
  readonly target: () => ConnectionTarget;
  readonly Client: typeof DatabaseClient;
}

/**
 * Options of the `pg` driver for a server. TLS parameters of the URL win over the setting, and mean what they mean to libpq.
 * @throws Error with one line for the operator when the URL asks for something that is not supported
 */
export function pgOptions(url: string, ssl: SslMode): PgOptions {
  const target = connectionTarget(url, ssl);
  return {
    target: () => target,
    Client: DatabaseClient,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  };
}

/** Time limits of a pool whose connections may take so long (ms) to be made to one server. */
export interface PoolPatience {
  readonly serverTimeoutMs: number;
  readonly connectionTimeoutMillis: number;
}

/** A pool waits until every server has been tried, so that a silent one does not hide the others. */
export const poolPatience = ({ target }: PgOptions, serverTimeoutMs: number): PoolPatience => ({
  serverTimeoutMs,
  connectionTimeoutMillis: patienceOf(target(), serverTimeoutMs),
});
