import { type ServerResponse } from 'node:http';
import { StoreUnavailableError } from '@coordination/kernel';

/**
 * Why work is aborted whose client has disconnected. It is one object for all, since nobody is sent it, and an error with its
 * stack trace costs more than the rest of an abortion: thousands of requests may lose their clients at once.
 */
const DISCONNECTED = new StoreUnavailableError();

/** Aborted when the connection that a response belongs to is closed, for a reason that nobody is sent. */
export function clientDisconnect(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort(DISCONNECTED);
  else response.once('close', () => controller.abort(DISCONNECTED));
  return controller.signal;
}

/** Whether work failed because its client has disconnected. */
export const isDisconnect = (failure: unknown): boolean => failure === DISCONNECTED;
