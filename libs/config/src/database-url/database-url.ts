/** The values of `target_session_attrs` of libpq that a service which writes can use. */
export type TargetSession = 'any' | 'primary' | 'read-write';

/** One server that a URL names. */
export interface DatabaseServer {
  /** A name, an address without brackets, or the directory of a socket. */
  readonly host: string;
  /** Undefined: the default port. */
  readonly port: number | undefined;
}

/** A parsed URL of a database, as libpq reads it (PostgreSQL, 32.1.1.2 "Connection URIs"). */
export interface DatabaseUrl {
  /** In the order in which they are tried; empty if the URL names none. */
  readonly servers: readonly DatabaseServer[];
  /** The port for a server that is named elsewhere, such as by PGHOST. */
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Path of a file with the password, which is read for each connection. */
  readonly passwordFile: string | undefined;
  readonly database: string;
  /** Undefined: the URL does not have it. */
  readonly target: TargetSession | undefined;
  /** How long (s) connecting to one server may take. */
  readonly connectTimeoutSeconds: number | undefined;
  /** All other parameters. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** A URL that names no usable database. The message has no part of the URL, because a part of it may be a password. */
export class DatabaseUrlError extends Error {
  override readonly name: string = 'DatabaseUrlError';

  /** @param complaint follows the name of the setting: `must be a postgres:// URL` */
  constructor(readonly complaint: string) {
    super(`The URL of the database ${complaint}.`);
  }
}

/** The URL cannot be taken apart: most likely its password has a character that ends a part of a URL. */
export class MalformedUrlError extends DatabaseUrlError {
  override readonly name = 'MalformedUrlError';
}
