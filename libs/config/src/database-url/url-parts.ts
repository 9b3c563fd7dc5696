import { DatabaseUrlError, MalformedUrlError } from './database-url.js';

/** `socket:` is a form of node-postgres: its path is the directory of the socket, its parameter `db` names the database. */
const FORM =
  /^(?:postgres(?:ql)?:\/\/|(?<socket>socket:)(?:\/\/)?)(?<authority>[^/?]*)(?<path>\/[^?]*)?(?:\?(?<query>.*))?$/i;

/** A query at the end of a URL. */
const QUERY = /\?[\w.-]+=[^?@]*$/;

/** A `%` that begins no escape. */
const BARE_PERCENT = /%(?![0-9a-f]{2})/i;

/** The parts of a URL as they are written, percent-encoded. */
export interface UrlParts {
  /** Whether the path is the directory of a socket. */
  readonly isSocket: boolean;
  readonly credentials: string;
  readonly hosts: string;
  readonly path: string;
  readonly query: string;
}

/**
 * Takes a URL apart. The last `@` before the path ends the user and the password, because no host has one.
 * @throws DatabaseUrlError where that cannot be done without doubt
 */
export function urlParts(url: string): UrlParts {
  if (!/^(?:postgres(?:ql)?:\/\/|socket:)/i.test(url)) throw new DatabaseUrlError('must be a postgres:// URL');
  if (/\p{Cc}/u.test(url)) {
    throw new DatabaseUrlError('has a line break or another control character, which must be percent-encoded');
  }
  if (url.includes('#')) throw new MalformedUrlError('has a # that must be percent-encoded: write # as %23');
  if (BARE_PERCENT.test(url)) throw new MalformedUrlError('has a % that begins no escape: write % as %25');
  assertUtf8(url);
  const { socket, authority = '', path = '', query = '' } = FORM.exec(url)?.groups ?? {};
  if (path.includes('@')) {
    throw new MalformedUrlError('has an @ in the name of the database: write @ as %40');
  }
  const at = authority.lastIndexOf('@');
  return {
    isSocket: socket !== undefined,
    credentials: authority.slice(0, Math.max(at, 0)),
    hosts: authority.slice(at + 1),
    path,
    query,
  };
}

/**
 * What is to be said of a URL that cannot be taken apart where its user or password, all that stands before the last `@`, has
 * a character that ends a part of a URL; undefined where it has none.
 */
export function aboutUnencoded(url: string): string | undefined {
  const rest = url.replace(/^[a-z]+:(?:\/\/)?/i, '').replace(QUERY, '');
  const credentials = rest.slice(0, Math.max(rest.lastIndexOf('@'), 0));
  const ends = ['/', '?', '#'].filter(character => credentials.includes(character));
  if (BARE_PERCENT.test(credentials)) ends.push('%');
  if (ends.length === 0) return undefined;
  // These do no harm by themselves; but whoever encodes the others should encode all.
  const others = [credentials.includes('@') && '@', credentials.split(':').length > 2 && ':'].filter(
    found => found !== false,
  );
  const ways = [...others, ...ends].map(character => `${character} as ${encodeURIComponent(character)}`);
  return `has characters in its user or password that must be percent-encoded: write ${ways.join(', ')}`;
}

function assertUtf8(url: string): void {
  try {
    decodeURIComponent(url);
  } catch {
    throw new DatabaseUrlError('has escapes that are not UTF-8');
  }
}
