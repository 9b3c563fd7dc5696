import { textOf } from './error-text.js';

/** A failure as it may be shown to anybody who can read logs and health: no statement, no password. */
export interface FailureText {
  readonly message: string;
  /** The code by which PostgreSQL names the error (SQLSTATE); null: it is not an error of PostgreSQL. */
  readonly sqlState: string | null;
}

const MAX_LENGTH = 300;

/** Errors may have each other as their cause. */
const MAX_DEPTH = 10;

/** Codes of network errors, such as EPIPE, have no digit. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** User and password in a URL (RFC 3986, section 3.2.1); a password may hold an `@` or a `/` that nobody has escaped. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)\S*@/gi;

/** PostgreSQL ends a complaint about a value (class 22) with the value. */
const DATA_EXCEPTION = /^22/;
const QUOTED_VALUE = /"[^]*"/;

const PASSWORD_PARAMETER = /\b(password|passwd|pwd)(\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&,;]+)/gi;

/**
 * The reason of a failure in one line, for people: what the driver said, where our own error only says that the database
 * could not be asked. Statements and their values are not in it: PostgreSQL has them in other fields than the message.
 */
export function failureText(error: unknown): FailureText {
  const reason = reasonOf(error);
  const { message, code } = Object(reason) as { readonly message?: unknown; readonly code?: unknown };
  const codeText = typeof code === 'string' ? code : '';
  const text = (typeof message === 'string' && message) || codeText || textOf(reason);
  const sqlState = SQLSTATE.test(codeText) ? codeText : null;
  const isAboutValue = sqlState !== null && DATA_EXCEPTION.test(sqlState);
  return { message: withoutSecrets(isAboutValue ? text.replace(QUOTED_VALUE, '…') : text), sqlState };
}

/** Nested errors are looked through for the first one, which the others only pass on. */
function reasonOf(error: unknown): unknown {
  let reason = error;
  for (let depth = 0; depth < MAX_DEPTH && reason instanceof Error; depth++) {
    // A host with several addresses fails with one error for each of them, and has no message of its own.
    const next: unknown = reason.cause ?? (reason instanceof AggregateError ? reason.errors[0] : undefined);
    if (next === undefined || next === null) return reason;
    reason = next;
  }
  return reason ?? error;
}

function withoutSecrets(text: string): string {
  const safe = text
    .replaceAll(USER_INFO, '$1…@')
    .replaceAll(PASSWORD_PARAMETER, '$1$2…')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH)}…` : safe;
}
