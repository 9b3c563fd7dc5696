import { type DatabaseUrl, DatabaseUrlError, MalformedUrlError, type TargetSession } from './database-url.js';
import { serverList } from './server-list.js';
import { aboutUnencoded, urlParts } from './url-parts.js';

const TARGETS: readonly TargetSession[] = ['any', 'primary', 'read-write'];

/** Parameters of libpq that decide where or as whom to connect, and that are not supported. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['hostaddr', 'write the address as the host'],
  ['service', 'write host, port and database into the URL'],
  ['servicefile', 'write host, port and database into the URL'],
  [
    'passfile',
    'name a file of this form by PGPASSFILE, or one that holds nothing but the password by DATABASE_PASSWORD_FILE',
  ],
]);

/** Those that have a place of their own in {@link DatabaseUrl}. */
const OWN = new Set([
  'host',
  'port',
  'user',
  'password',
  'password_file',
  'dbname',
  'db',
  'target_session_attrs',
  'connect_timeout',
]);

/** Parameters that are known for values with an `@`, which libpq takes as it is. */
const MAY_HAVE_AT = new Set(['user', 'password', 'application_name', 'fallback_application_name', 'options']);

/**
 * Reads the URL of a database: `postgres://user:password@host1:5432,host2/database?name=value`, with any number of hosts,
 * each a name, an address or the directory of a socket. The parameters `host`, `port`, `user`, `password` and `dbname` go
 * before what stands elsewhere in the URL.
 * @throws DatabaseUrlError that says what is wrong and repeats nothing of the URL
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const url = text.trim();
  try {
    return read(url);
  } catch (error) {
    const unencoded = error instanceof MalformedUrlError ? aboutUnencoded(url) : undefined;
    throw unencoded === undefined ? error : new DatabaseUrlError(unencoded);
  }
}

/** Writes a URL that {@link parseDatabaseUrl} reads as the same. */
export function formatDatabaseUrl({ servers, port, database, parameters, ...url }: DatabaseUrl): string {
  const query = new URLSearchParams([...parameters, ['dbname', database]]);
  const own = {
    host: servers.map(({ host }) => host).join(',') || undefined,
    port: servers.length > 0 ? servers.map(server => server.port ?? '').join(',') : port,
    user: url.user,
    password: url.password,
    password_file: url.passwordFile,
    target_session_attrs: url.target,
    connect_timeout: url.connectTimeoutSeconds,
  };
  for (const [name, value] of Object.entries(own)) if (value !== undefined) query.set(name, String(value));
  return `postgres:///?${query.toString().replaceAll('+', '%20')}`;
}

function read(url: string): DatabaseUrl {
  const { isSocket, credentials, hosts, path, query } = urlParts(url);
  const parameters = parametersOf(query);
  const given = (name: string) => parameters.get(name) || undefined;
  const [user, password] = credentialsOf(credentials);
  const named = decodeURIComponent(path);
  return {
    ...serverList({ authority: hosts, host: given('host') ?? (isSocket ? named : undefined), port: given('port') }),
    user: given('user') ?? user,
    password: given('password') ?? password,
    passwordFile: given('password_file'),
    database: databaseOf(given('dbname') ?? (isSocket ? (given('db') ?? '') : named.slice(1))),
    target: targetOf(given('target_session_attrs')),
    connectTimeoutSeconds: connectTimeoutOf(given('connect_timeout')),
    parameters: new Map([...parameters].filter(([name]) => !OWN.has(name))),
  };
}

/** Of two that have the same name the later one wins, as in libpq. */
function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&').filter(part => part !== '')) {
    const [, name = ''] = /^([\w.-]+)=/.exec(part) ?? [];
    if (name === '') {
      throw new MalformedUrlError('has parameters that are not of the form name=value: write & in a value as %26');
    }
    // It may be that of a password, which has all the rest of the URL behind it.
    if (part.includes('@') && !MAY_HAVE_AT.has(name)) {
      throw new MalformedUrlError('has an @ in a parameter: write @ as %40');
    }
    if (/^password=.*\+/i.test(part)) {
      throw new DatabaseUrlError('has a + in its parameter password: write + as %2B (a space as %20)');
    }
    for (const [key, value] of new URLSearchParams(part)) parameters.set(key, value);
  }
  for (const [name, instead] of REFUSED) {
    if (parameters.has(name))
      throw new DatabaseUrlError(`has the parameter ${name}, which is not supported: ${instead}`);
  }
  return parameters;
}

function credentialsOf(text: string): readonly (string | undefined)[] {
  const colon = text.indexOf(':');
  const parts = colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
  return parts.map(part => decodeURIComponent(part) || undefined);
}

/** libpq would take the name of the user where the URL names no database, which is hardly ever what was meant. */
function databaseOf(name: string): string {
  if (name !== '') return name;
  throw new DatabaseUrlError('must name a database, such as postgres://user@host:5432/coordination');
}

function targetOf(said: string | undefined): TargetSession | undefined {
  const target = TARGETS.find(known => known === said);
  if (said === undefined || target !== undefined) return target;
  throw new DatabaseUrlError(
    'must have target_session_attrs read-write, primary or any: this service writes, and cannot use a server that only ' +
      'reads (read-only, standby, prefer-standby)',
  );
}

/** As in libpq, zero and less set no limit. */
function connectTimeoutOf(said: string | undefined): number | undefined {
  if (said === undefined) return undefined;
  if (!/^-?\d{1,6}$/.test(said)) throw new DatabaseUrlError('must have a connect_timeout in whole seconds');
  return Number(said) > 0 ? Number(said) : undefined;
}
