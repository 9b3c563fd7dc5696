import { textOf } from './error-text.js';

/** A failure as it may be shown in logs and health: without statements and passwords. */
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

/** User and password in a URL (RFC 3986, section 3.2.1); a password may contain an unescaped `@` or `/`. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)\S*@/gi;

/** PostgreSQL ends an error message about a value (class 22) with the value. */
const DATA_EXCEPTION = /^22/;
const QUOTED_VALUE = /"[^]*"/;

const PASSWORD_PARAMETER = /\b(password|passwd|pwd)(\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&,;]+)/gi;

/**
 * The reason of a failure in one line, for people: the innermost cause, such as the error of the driver. It has no statements
 * and values: PostgreSQL puts them into other fields than the message.
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

/** The innermost cause of nested errors; the others only pass it on. */
function reasonOf(error: unknown): unknown {
  let reason = error;
  for (let depth = 0; depth < MAX_DEPTH && reason instanceof Error; depth++) {
    // Connecting to a host with several addresses fails with one error for each address, and no message of its own.
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
