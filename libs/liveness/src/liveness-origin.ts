import { type CallOrigin } from '@coordination/context';

/** The actor of the events by which the service itself ends leases and overrides, and begins and ends guards. */
export const LIVENESS: CallOrigin = {
  actor: 'system:liveness',
  clientAddress: null,
  requestId: null,
  source: 'system',
  reason: null,
};
