import { currentRequest } from './request-scope.js';

/** Who asks, for every line that is written while a request is being served. */
export function askerOfLine(): object {
  const request = currentRequest();
  if (!request) return {};
  const { requestId, actor, clientAddress, source } = request;
  return { requestId, actor, clientAddress, source };
}
