import { type CallOrigin } from './call-origin.js';
import { currentRequest } from './request-scope.js';
import { SYSTEM_ACTOR } from './request-store.js';

/** The async context of the request that is being served. */
export class RequestContext {
  get requestId(): string | null {
    return currentRequest()?.requestId ?? null;
  }

  /** Who asks, from where, and why: passed along with every command. Outside a request it is the system itself. */
  origin(): CallOrigin {
    const request = currentRequest();
    if (!request) {
      return { actor: SYSTEM_ACTOR, clientAddress: null, requestId: null, source: 'system', reason: null };
    }
    const { actor, clientAddress, requestId, source, reason, repeatable } = request;
    return { actor, clientAddress, requestId, source, reason, repeatable };
  }
}
