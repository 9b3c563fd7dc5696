import { type ClientConfig } from 'pg';

/** TLS to PostgreSQL: not at all, encrypted, or encrypted with the certificate checked. */
export type SslMode = 'off' | 'require' | 'verify';

/** Options of the `pg` driver for a server; `sslmode` in the URL wins over the setting. */
export function pgOptions(url: string, ssl: SslMode): ClientConfig {
  if (ssl === 'off' || new URL(url).searchParams.has('sslmode')) return { connectionString: url };
  return { connectionString: url, ssl: { rejectUnauthorized: ssl === 'verify' } };
}
