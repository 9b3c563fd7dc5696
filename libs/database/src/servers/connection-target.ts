import process from 'node:process';
import { type DatabaseUrl, parseDatabaseUrl, type TargetSession } from '@coordination/config';
import { type ClientConfig } from 'pg';
import { readPassword } from './password-file.js';
import { ServerSearch } from './server-search.js';
import { type Servers, serversOf } from './servers.js';
import { type SslMode, type TlsDemand, tlsDemand } from './tls-demand.js';

/** Parameters of a URL that are for the session or for the driver. */
const SESSION_PARAMETERS = new Set([
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'options',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
]);

/** Where connections lead, and how they are made: from a URL, a setting and the variables of libpq. */
export interface ConnectionTarget {
  readonly servers: Servers;
  readonly session: TargetSession;
  /** Finds which of the servers it is; undefined where it can only be one. */
  readonly search: ServerSearch | undefined;
  readonly tls: TlsDemand;
  /** Role, password, database and session. */
  readonly config: ClientConfig;
  /** How long (ms) making a connection to one server may take, if the URL or PGCONNECT_TIMEOUT sets it. */
  readonly connectTimeoutMs: number | undefined;
}

/** The searches of this process by URL: the server that one connection has found serves the next ones. */
const searches = new Map<string, ServerSearch>();

/**
 * The target that a URL and a setting describe. Of several servers it is the one that accepts writes, unless the URL asks
 * for another one: libpq would take the first that answers, which may be a standby, of no use to this service.
 * @throws Error with one line for the operator, which repeats no part of the URL but its TLS parameters
 */
export function connectionTarget(text: string, ssl: SslMode, env: NodeJS.ProcessEnv = process.env): ConnectionTarget {
  const url = parseDatabaseUrl(text);
  const servers = serversOf(url, env);
  const session = url.target ?? (servers.length > 1 ? 'read-write' : 'any');
  const timeoutSeconds = url.connectTimeoutSeconds ?? Number(env['PGCONNECT_TIMEOUT'] ?? 0);
  return {
    servers,
    session,
    search: session === 'any' && servers.length === 1 ? undefined : searchFor(text, servers, session),
    tls: tlsDemand(url.parameters, ssl, env['PGSSLMODE']),
    config: configOf(url),
    connectTimeoutMs: timeoutSeconds > 0 ? timeoutSeconds * 1_000 : undefined,
  };
}

/** How long (ms) it takes at most to find a server and to connect to it, where one server may take `perServerMs`. */
export const patienceOf = ({ servers, search, connectTimeoutMs }: ConnectionTarget, perServerMs: number): number =>
  (connectTimeoutMs ?? perServerMs) * (search ? servers.length + 1 : 1);

function searchFor(url: string, servers: Servers, session: TargetSession): ServerSearch {
  const known = searches.get(url) ?? new ServerSearch(servers, session);
  searches.set(url, known);
  return known;
}

function configOf({ user, password, passwordFile, database, parameters }: DatabaseUrl): ClientConfig {
  const ofSession = [...parameters].filter(([name, value]) => SESSION_PARAMETERS.has(name) && value !== '');
  return {
    ...Object.fromEntries(ofSession),
    user,
    database,
    password: passwordFile === undefined ? password : () => readPassword(passwordFile),
  };
}
