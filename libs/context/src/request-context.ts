import { Injectable } from '@nestjs/common';
import { type CallOrigin } from './call-origin.js';
import { currentRequest } from './request-scope.js';
import { SYSTEM_ACTOR } from './request-store.js';

/** The request that is being served, for those who are injected it. */
@Injectable()
export class RequestContext {
  get requestId(): string | null {
    return currentRequest()?.requestId ?? null;
  }

  /** Who requests a change, from where, and why; passed along with every command. Outside a request it is the system. */
  origin(): CallOrigin {
    const request = currentRequest();
    if (!request) {
      return { actor: SYSTEM_ACTOR, clientAddress: null, requestId: null, source: 'system', reason: null };
    }
    const { actor, clientAddress, requestId, source, reason, repeatable } = request;
    return { actor, clientAddress, requestId, source, reason, repeatable };
  }
}
