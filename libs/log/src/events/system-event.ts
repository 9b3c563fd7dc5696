import { type CallOrigin } from '@coordination/context';
import { type EventDraft } from './log-event.js';

/** Who requested a change, as the log keeps it. */
type LoggedOrigin = Pick<CallOrigin, 'actor' | 'clientAddress' | 'requestId' | 'source' | 'reason'>;

/** The origin of what a part of the service does by itself, such as `system:epoch`. */
export const systemOrigin = (actor: `system:${string}`, reason: string | null = null): LoggedOrigin => ({
  actor,
  clientAddress: null,
  requestId: null,
  source: 'system',
  reason,
});

/** The draft of an event that concerns no instance. */
export const systemEvent = (
  { action, before, after }: Pick<EventDraft, 'action' | 'before' | 'after'>,
  { actor, clientAddress, requestId, source, reason }: LoggedOrigin,
): EventDraft => ({
  action,
  namespace: null,
  service: null,
  instanceId: null,
  instanceUuid: null,
  actor,
  clientAddress,
  requestId,
  source,
  reason,
  version: null,
  before,
  after,
});
