import { DomainError, StoreUnavailableError } from '@coordination/kernel';

/**
 * Classes of SQLSTATE that speak of the server, its network or its schema and not of the statement (PostgreSQL, appendix A):
 * connection exceptions, which are also PgBouncer's errors (08), prepared statements that a pooler lost (26), refused log-ins
 * (28), no such database (3D) or schema (3F), serialization and deadlock (40), no resources (53), objects that are locked or
 * not in the state that is needed (55), operator intervention, which a statement timeout is too (57), system errors (58), a
 * snapshot that is too old (72), the server's configuration (F0), and errors within the server, such as damaged data (XX).
 */
const UNAVAILABLE_CLASS = /^(?:08|26|28|3D|3F|40|53|55|57|58|72|F0|XX)...$/;

/**
 * States of other classes that do so too. Our statements are all tried with the schema that they are for, so what they do
 * not find is missing: the database was never migrated, or back, is an older copy, or has another `search_path`.
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

/** Node.js names errors of its own, of the network and of TLS so. OpenSSL's have no form in common: see `whileConnecting`. */
const NODE_CODE = /^(?:E[A-Z]+|EAI_[A-Z]+|ERR_(?:SSL|TLS|SOCKET|STREAM)_.*|CERT_.*)$/;

/** `pg` and its pool have no codes for these. */
const DRIVER_MESSAGE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (?:has encountered a connection error|was closed)|Cannot use a pool after calling end|driver has already been destroyed|The server does not support SSL|There was an error establishing an SSL|[Rr]eceived (?:invalid|unexpected) )/;

/** What `pg` gives of an error, and what {@link ConnectFailedError} adds. */
interface StoreError extends Error {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly constraint?: unknown;
  readonly routine?: unknown;
  readonly whileConnecting?: unknown;
}

/** Whether an error of a statement means that the database could not be asked, and not that it disliked the statement. */
export function isStoreUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailableError) return true;
  if (!(error instanceof Error) || error instanceof DomainError) return false;
  const { code, severity, whileConnecting } = error as StoreError;
  // Before a statement was sent there is nothing that could be wrong with it.
  if (whileConnecting === true) return true;
  // A host with several addresses fails with one error for each of them.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isStoreUnavailable);
  // These end the session, whatever they are about.
  if (severity === 'FATAL' || severity === 'PANIC') return true;
  if (typeof code !== 'string') return DRIVER_MESSAGE.test(error.message);
  return isUnavailableState(code, error) || NODE_CODE.test(code);
}

function isUnavailableState(code: string, { constraint, routine }: StoreError): boolean {
  if (UNAVAILABLE_CLASS.test(code) || UNAVAILABLE_STATES.has(code)) return true;
  // A row that no partition takes is no check that a value failed, though it has that code: those have names.
  if (code === '23514') return constraint === undefined;
  // The server has stopped giving out transaction ids (54000 is also what is too large).
  return code === '54000' && String(routine).startsWith('GetNew');
}

/**
 * Does something with the database that changes nothing. What means that the database cannot be asked becomes a
 * {@link StoreUnavailableError}, with the real one as its cause for our own log; all other errors pass as they are.
 */
export async function mapStoreErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DomainError || !isStoreUnavailable(error)) throw error;
    throw new StoreUnavailableError({ cause: error });
  }
}
