import { type ClsStore } from 'nestjs-cls';
import { type CallOrigin, type CallSource } from './call-origin.js';
import { type RepeatableCall } from './repeatable-call.js';
import { currentRequest } from './request-scope.js';

/** What is kept for one request, from its first byte to its answer. No domain data. */
export interface RequestStore extends ClsStore {
  requestId: string;
  clientAddress: string | null;
  actor: string;
  source: CallSource;
  reason: string | null;
  repeatable?: RepeatableCall | undefined;
}

/** The actor of callers that have not said who they are. */
export const ANONYMOUS = 'anonymous';

/** The actor of changes that the service makes by itself, such as ending an override. */
export const SYSTEM_ACTOR = 'system';

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
