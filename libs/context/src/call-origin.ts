import { type RepeatableCall } from './repeatable-call.js';

/** The protocols through which a change can be requested; `system` is the service itself. */
export const CALL_SOURCES = ['api', 'first-viscount', 'consul', 'eureka', 'system'] as const;

export type CallSource = (typeof CALL_SOURCES)[number];

/** Who requested a change, and through which protocol. The audit log keeps all of it except `repeatable`. */
export interface CallOrigin {
  readonly actor: string;
  readonly clientAddress: string | null;
  readonly requestId: string | null;
  readonly source: CallSource;
  readonly reason: string | null;
  /** Makes the request safe to repeat; undefined: the caller sent no key. */
  readonly repeatable?: RepeatableCall | undefined;
}
