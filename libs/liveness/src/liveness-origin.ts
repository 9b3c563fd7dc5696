import { type CallOrigin } from '@coordination/context';

/** Who ends leases, overrides and guards, as the audit log names it. */
export const LIVENESS: CallOrigin = {
  actor: 'system:liveness',
  clientAddress: null,
  requestId: null,
  source: 'system',
  reason: null,
};
