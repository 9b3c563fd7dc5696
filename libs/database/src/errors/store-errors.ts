import { DomainError, StoreUnavailableError } from '@coordination/kernel';

/**
 * Classes of SQLSTATE that concern the server, its network or its schema and not the statement (PostgreSQL, appendix A):
 * connection exceptions, which are also PgBouncer's errors (08), prepared statements that a pooler lost (26), refused log-ins
 * (28), no such database (3D) or schema (3F), serialization and deadlock (40), no resources (53), objects that are locked or
 * not in the state that is needed (55), operator intervention, which a statement timeout is too (57), system errors (58), a
 * snapshot that is too old (72), the server's configuration (F0), and errors within the server, such as damaged data (XX).
 */
const UNAVAILABLE_CLASS = /^(?:08|26|28|3D|3F|40|53|55|57|58|72|F0|XX)...$/;

/**
 * States of other classes that do so too. All statements of this service are tested with the schema that they are for, so
 * an object that they do not find is missing: the database was not migrated, is an older copy, or has another
 * `search_path`.
 */
const UNAVAILABLE_STATES: ReadonlySet<string> = new Set([
  '0A000', // the server does not have a feature: another version, or something that imitates PostgreSQL
  '25006', // it only reads: a standby, or `default_transaction_read_only`
  '25P01', // a pooler that gives sessions away between two statements of a transaction
  '25P02',
  '25P03', // the session was ended in its transaction
  '25P04',
  '34000', // a cursor that a pooler lost
  '42501', // a privilege is missing
  '42P01', // a table is missing
  '42703', // a column
  '42704', // a type, a role, or another object
  '42883', // a function or an operator
  '42809', // there is something else in the place of a table or a function
  '42P10', // the unique index of an ON CONFLICT
  '42P05', // a pooler: the prepared statement is there already
]);

/** Codes of Node.js, of the network and of TLS. Those of OpenSSL have no common form: see `whileConnecting`. */
const NODE_CODE = /^(?:E[A-Z]+|EAI_[A-Z]+|ERR_(?:SSL|TLS|SOCKET|STREAM)_.*|CERT_.*)$/;

/** `pg` and its pool have no codes for these. */
const DRIVER_MESSAGE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (?:has encountered a connection error|was closed)|Cannot use a pool after calling end|driver has already been destroyed|The server does not support SSL|There was an error establishing an SSL|[Rr]eceived (?:invalid|unexpected) )/;

/** The properties of errors of `pg`, and the one that {@link ConnectFailedError} adds. */
interface StoreError extends Error {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly constraint?: unknown;
  readonly routine?: unknown;
  readonly whileConnecting?: unknown;
}

/** Whether an error means that the database could not be used, and not that it rejected the statement. */
export function isStoreUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailableError) return true;
  if (!(error instanceof Error) || error instanceof DomainError) return false;
  const { code, severity, whileConnecting } = error as StoreError;
  // No statement was sent, so none can have been rejected.
  if (whileConnecting === true) return true;
  // A host with several addresses fails with one error for each of them.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isStoreUnavailable);
  // These end the session.
  if (severity === 'FATAL' || severity === 'PANIC') return true;
  if (typeof code !== 'string') return DRIVER_MESSAGE.test(error.message);
  return isUnavailableState(code, error) || NODE_CODE.test(code);
}

function isUnavailableState(code: string, { constraint, routine }: StoreError): boolean {
  if (UNAVAILABLE_CLASS.test(code) || UNAVAILABLE_STATES.has(code)) return true;
  // A row without a partition has the code of a failed check, but no name of a constraint.
  if (code === '23514') return constraint === undefined;
  // The server has stopped assigning transaction ids (54000 is also the code of statements that are too large).
  return code === '54000' && String(routine).startsWith('GetNew');
}

/**
 * Runs work that changes nothing in the database. Errors that mean that the database cannot be used become a
 * {@link StoreUnavailableError}, with the original as its cause for the log; all other errors pass unchanged.
 */
export async function mapStoreErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DomainError || !isStoreUnavailable(error)) throw error;
    throw new StoreUnavailableError({ cause: error });
  }
}
