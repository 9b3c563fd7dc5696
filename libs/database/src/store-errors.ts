import { DomainError, StoreUnavailableError } from '@coordination/kernel';

/**
 * SQLSTATEs that speak of the server and not of the statement (PostgreSQL, appendix A): connection exceptions (08),
 * refused log-ins (28), no such database (3D), serialization and deadlock (40), no resources (53), operator
 * intervention, which a statement timeout is too (57), system errors (58); a session ended in its transaction (25P0x),
 * a server that only reads (25006), a lock that was not to be had in time (55P03).
 */
const UNAVAILABLE_STATE = /^(?:08|28|3D|40|53|57|58)...$|^25P0.$|^25006$|^55P03$/;

/** Node.js names its network errors like this. */
const NETWORK_CODE = /^(?:E[A-Z]+|EAI_[A-Z]+|ERR_SSL_.*|ERR_TLS_.*|CERT_.*)$/;

/** `pg` and its pool have no codes for these. */
const DRIVER_MESSAGE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (?:has encountered a connection error|was closed)|Cannot use a pool after calling end|driver has already been destroyed|The server does not support SSL|There was an error establishing an SSL)/;

/** Whether an error of a statement means that the database could not be asked, and not that it disliked the statement. */
export function isStoreUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailableError) return true;
  if (!(error instanceof Error) || error instanceof DomainError) return false;
  const { code } = error as NodeJS.ErrnoException;
  // A host with several addresses fails with one error for each of them.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isStoreUnavailable);
  if (typeof code === 'string' && (UNAVAILABLE_STATE.test(code) || NETWORK_CODE.test(code))) return true;
  return DRIVER_MESSAGE.test(error.message);
}

/**
 * Does something with the database that changes nothing. What means that the database cannot be asked becomes a
 * {@link StoreUnavailableError}, with the real one as its cause for our own log; all other errors pass as they are.
 */
export async function orStoreUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DomainError || !isStoreUnavailable(error)) throw error;
    throw new StoreUnavailableError({ cause: error });
  }
}
