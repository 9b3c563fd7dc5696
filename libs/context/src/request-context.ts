import { Injectable } from '@nestjs/common';
import { ClsService, type ClsStore } from 'nestjs-cls';
import { type CallOrigin, type CallSource } from './call-origin.js';
import { type RepeatableCall } from './repeatable-call.js';

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
@Injectable()
export class RequestContext {
  constructor(private readonly cls: ClsService<RequestStore>) {}

  get requestId(): string | null {
    return this.cls.isActive() ? (this.cls.get('requestId') ?? null) : null;
  }

  /** Who asks, from where, and why: passed along with every command. Outside a request it is the system itself. */
  origin(): CallOrigin {
    if (!this.cls.isActive()) {
      return { actor: SYSTEM_ACTOR, clientAddress: null, requestId: null, source: 'system', reason: null };
    }
    return {
      actor: this.cls.get('actor') ?? ANONYMOUS,
      clientAddress: this.cls.get('clientAddress') ?? null,
      requestId: this.requestId,
      source: this.cls.get('source') ?? 'api',
      reason: this.cls.get('reason') ?? null,
      repeatable: this.cls.get('repeatable'),
    };
  }
}
