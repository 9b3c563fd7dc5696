import { type CallSource } from './call-origin.js';
import { type RepeatableCall } from './repeatable-call.js';

/** What is kept for one request, from its first byte to the end of its response. No domain data. */
export interface RequestStore {
  requestId: string;
  clientAddress: string | null;
  actor: string;
  source: CallSource;
  reason: string | null;
  repeatable?: RepeatableCall | undefined;
}

/** The actor of callers that are not identified. */
export const ANONYMOUS = 'anonymous';

/** The actor of changes that the service makes by itself, such as ending an override. */
export const SYSTEM_ACTOR = 'system';
