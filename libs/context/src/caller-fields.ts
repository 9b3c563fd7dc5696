import { currentRequest } from './request-scope.js';

/** The caller, for each line of the log that is written while a request is served. */
export function callerFields(): object {
  const request = currentRequest();
  if (!request) return {};
  const { requestId, actor, clientAddress, source } = request;
  return { requestId, actor, clientAddress, source };
}
