import { isStoreUnavailable } from './store-errors.js';
import { UnusableFileError } from '../servers/unusable-file.errors.js';

/** Why the database cannot be used, for operators: it discloses no statement, no URL and no message of the server. */
export interface Trouble {
  /** An SQLSTATE, or the code that Node.js or OpenSSL gives; absent where there is none. */
  readonly code?: string;
  readonly message: string;
}

const REFUSED_LOGIN =
  'The server refuses the log-in: the role, its password, or an address that pg_hba.conf does not admit.';
const UNRESOLVED = 'The host name of the database cannot be resolved.';
const BROKEN = 'The connection to the server was broken.';
const UNREACHABLE = 'The address of the database cannot be reached.';
const UNTRUSTED = 'TLS failed: the certificate of the server is not trusted, or the two could not agree.';
const LACKS_SOMETHING =
  'The schema lacks something that this version needs: run the migrations, and check search_path and which database it is.';
/** Message for a server that accepts no writes. */
export const READ_ONLY = 'The server only reads: it is a standby, or its transactions are set to read only.';
const FULL = 'The server has no resources left: disk, memory, or connections.';
const POOLER = 'A pooler in front of the server does not keep sessions as it must.';
/** Message where no answer came. */
export const LATE = 'The server did not answer in time.';

/** By the whole code, or by the class of an SQLSTATE. */
const BY_CODE: Readonly<Record<string, string>> = {
  '08': 'The server, or a pooler in front of it, refused or broke the connection.',
  '0A': 'The server lacks a feature that is needed: PostgreSQL 15 or newer is.',
  '23': 'The log has no partition for its next change.',
  '25': 'The session was ended in the middle of a transaction.',
  '25006': READ_ONLY,
  '25P01': POOLER,
  '26': POOLER,
  '28': REFUSED_LOGIN,
  '34': POOLER,
  '3D': 'The server has no database of this name.',
  '3F': LACKS_SOMETHING,
  '40': 'The transaction came into conflict with others.',
  '42': LACKS_SOMETHING,
  '42501': 'The role of the service lacks a privilege: see "Roles" in docs/operations.md.',
  '42P05': POOLER,
  '53': FULL,
  '53100': 'The disk of the server is full.',
  '53200': 'The server is out of memory.',
  '53300': 'The server, or the limit of the role or the database, allows no more connections.',
  '54': 'The server gives out no more transaction ids until it has been vacuumed.',
  '55': 'Something in the database is locked, or not in the state that is needed.',
  '55P03': 'A lock in the database was not to be had in time.',
  '57': 'The server is starting, shutting down, or ended the session.',
  '57014': 'A statement took too long, or was cancelled.',
  '58': 'The server failed to read or write a file.',
  '72': 'A snapshot of the database became too old.',
  F0: 'The configuration of the server is not valid.',
  XX: 'The server has failed: see its log. Data or an index may be damaged.',
  EACCES: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  EAI_AGAIN: UNRESOLVED,
  EAI_FAIL: UNRESOLVED,
  EAI_NODATA: UNRESOLVED,
  EAI_NONAME: UNRESOLVED,
  ECONNABORTED: BROKEN,
  ECONNREFUSED: 'Nothing listens at the address of the database.',
  ECONNRESET: BROKEN,
  EHOSTDOWN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  EMFILE: 'This process may not open more files and connections.',
  ENETDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENOENT: 'There is no such socket.',
  ENOTFOUND: UNRESOLVED,
  EPERM: UNREACHABLE,
  EPIPE: BROKEN,
  ETIMEDOUT: LATE,
  CERT_HAS_EXPIRED: 'The certificate of the server has expired.',
  CERT_NOT_YET_VALID: 'The certificate of the server is not valid yet.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the server is for another host.',
};

/** Codes of temporary errors: the next attempt may succeed without any action. */
const PASSING = /^(?:40...|55P03|57014|25P0[34])$/;

/** For errors of `pg` that have no code. */
const BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/SASL|password/i, REFUSED_LOGIN],
  [/does not support SSL/, 'TLS is demanded, and the server has none.'],
  [/SSL|sslmode|TLS/, UNTRUSTED],
  [/standby/i, READ_ONLY],
  [/timeout|No answer within|did not answer/i, LATE],
  [/terminated|closed|connection error|destroyed/i, BROKEN],
];

const UNUSABLE_FILE =
  'A file that the settings of the database name cannot be used (password, certificate or key): the log names the file and the reason.';

const SAFE_CODE = /^[A-Z0-9_]{3,64}$/;
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** The trouble that an error means for which {@link isStoreUnavailable} is true. */
export function troubleOf(error: unknown): Trouble {
  const cause = rootOf(error);
  const { code, message } = cause as { readonly code?: unknown; readonly message?: string };
  const isSafe = typeof code === 'string' && SAFE_CODE.test(code);
  if (cause instanceof UnusableFileError) return { ...(isSafe && { code }), message: UNUSABLE_FILE };
  if (isSafe) return { code, message: byCode(code, cause) };
  const found = BY_MESSAGE.find(([pattern]) => pattern.test(message ?? ''));
  return { message: found?.[1] ?? 'What answers there does not speak as a PostgreSQL server does.' };
}

/** Whether it is temporary, as conflicts and statements that took too long are. */
export const isPassing = ({ code }: Trouble): boolean => code !== undefined && PASSING.test(code);

function byCode(code: string, { severity }: { readonly severity?: unknown }): string {
  const known = BY_CODE[code] ?? (SQLSTATE.test(code) ? BY_CODE[code.slice(0, 2)] : undefined);
  if (known !== undefined) return known;
  // OpenSSL has a hundred of them, and no form in common.
  return severity === undefined ? UNTRUSTED : 'The server refuses what it is asked.';
}

/** The innermost error: this service and `pg` wrap it. */
function rootOf(error: unknown): { readonly severity?: unknown } {
  let root = error as { readonly cause?: unknown; readonly errors?: readonly unknown[] };
  while (!(root instanceof UnusableFileError) && (root.cause instanceof Error || root instanceof AggregateError)) {
    const inner = root.cause instanceof Error ? root.cause : root.errors?.[0];
    if (!(inner instanceof Error)) break;
    root = inner;
  }
  return root as { readonly severity?: unknown };
}

/** A trouble, and when it last occurred. */
export interface MetTrouble extends Trouble {
  /** RFC 3339 in UTC. */
  readonly at: string;
}

/** For how long (ms) a trouble that has not occurred again counts as present, and for how long it is reported. */
const PRESENT_FOR_MS = 10_000;
const REPORTED_FOR_MS = 60_000;

/** The last errors of the database that its users have met. Other statements may succeed at the same time. */
export class Troubles {
  private lasting: MetTrouble | undefined;
  private latest: MetTrouble | undefined;

  constructor(private readonly now: () => Date = () => new Date()) {}

  /** Records an error, if it means that the database cannot be used. */
  failed(error: unknown): void {
    if (!isStoreUnavailable(error)) return;
    const trouble = troubleOf(error);
    this.latest = this.met(trouble);
    if (!isPassing(trouble)) this.lasting = this.latest;
  }

  /** A trouble that occurs now. */
  met(trouble: Trouble): MetTrouble {
    return { ...trouble, at: this.now().toISOString() };
  }

  /** What occurred a moment ago, and is not temporary. */
  get present(): MetTrouble | undefined {
    return this.within(this.lasting, PRESENT_FOR_MS);
  }

  /** What occurred not long ago. */
  get recent(): MetTrouble | undefined {
    return this.within(this.latest, REPORTED_FOR_MS);
  }

  private within(trouble: MetTrouble | undefined, ms: number): MetTrouble | undefined {
    return trouble && this.now().getTime() - Date.parse(trouble.at) < ms ? trouble : undefined;
  }
}
