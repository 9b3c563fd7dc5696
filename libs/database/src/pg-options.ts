import process from 'node:process';
import { type ClientConfig } from 'pg';
import { DatabaseClient } from './database-client.js';
import { type SslMode, type TlsDemand, tlsDemand, withoutTlsParameters } from './tls-demand.js';

/** After how long (ms) without a word the system asks whether the other side is still there. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Options for connections to a server: for a {@link DatabaseClient}, or for a pool of `pg`, which makes such clients. */
export interface PgOptions extends ClientConfig {
  readonly connectionString: string;
  readonly tls: TlsDemand;
  /** For a client of `pg` itself, which knows nothing of `tls`: rather too strict than in the clear. */
  readonly ssl: boolean;
  readonly Client: typeof DatabaseClient;
}

/**
 * Options of the `pg` driver for a server. What the URL says of TLS wins over the setting, and means what libpq means by it.
 * @throws Error with a line for people when the URL asks for what there is not
 */
export function pgOptions(url: string, ssl: SslMode): PgOptions {
  const tls = tlsDemand(url, ssl, process.env['PGSSLMODE']);
  return {
    connectionString: withoutTlsParameters(url),
    tls,
    ssl: tls.encryption !== 'none',
    Client: DatabaseClient,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  };
}
