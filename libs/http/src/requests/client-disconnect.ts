import { type ServerResponse } from 'node:http';
import { StoreUnavailableError } from '@coordination/kernel';

/** Aborted when the connection that a response belongs to is closed; the reason is an error that nobody will read. */
export function clientDisconnect(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(new StoreUnavailableError());
  if (response.destroyed) abort();
  else response.once('close', abort);
  return controller.signal;
}
