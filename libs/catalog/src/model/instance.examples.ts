import { type InstanceIdentity } from './instance.js';

const identity = (instanceId: string): InstanceIdentity => ({ namespace: 'default', service: 'orders', instanceId });

/** The instance of most examples. */
export const EXAMPLE_ID = '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f01';

/** An instance that examples deregister by its id, and one that they deregister together with others. */
export const SPARE_EXAMPLE_ID = '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f02';
export const BULK_EXAMPLE_ID = '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f03';

/**
 * The instances of the ids in the examples of the OpenAPI document. The document that the service serves has the real ids of
 * these instances once they are registered, so that every example can be sent unchanged.
 */
export const EXAMPLE_INSTANCES: readonly { readonly id: string; readonly identity: InstanceIdentity }[] = [
  { id: EXAMPLE_ID, identity: identity('orders-7f9c') },
  { id: SPARE_EXAMPLE_ID, identity: identity('orders-8a2d') },
  { id: BULK_EXAMPLE_ID, identity: identity('orders-c6d1') },
];

const metadata = {
  version: '2.4.1',
  environment: 'prod',
  region: 'eu',
  tags: { team: 'checkout' },
  capabilities: ['refund'],
};

/** Examples may be sent in any order, so they all name the same process. */
const INCARNATION = '2026-11-23T08:15:30Z-4711';

const registration = (instanceId: string, host: string) => ({
  service: 'orders',
  instanceId,
  type: 'api',
  scheme: 'http',
  host,
  port: 8080,
  zone: 'eu-1a',
  weight: 100,
  metadata,
  check: { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 },
});

export const REGISTER_EXAMPLE = { ...registration('orders-7f9c', '10.0.3.17'), incarnation: INCARNATION };
export const BATCH_EXAMPLE = {
  instances: [
    registration('orders-8a2d', '10.0.3.18'),
    registration('orders-9b4e', '10.0.3.19'),
    registration('orders-c6d1', '10.0.3.20'),
  ],
};
export const REPLACE_EXAMPLE = { incarnation: INCARNATION, host: '10.0.3.17', port: 8080, zone: 'eu-1b', metadata };
export const PATCH_EXAMPLE = { weight: 50, metadata: { region: null, tags: { canary: 'true' } } };
export const REPORT_EXAMPLE = { healthy: false, output: 'queue of 12,000 orders' };
export const OVERRIDE_EXAMPLE = { status: 'maintenance', scope: 'instance', reason: 'database upgrade' };

const NOW = '2026-11-23T08:15:30.123Z';

/** The example in responses of discovery. */
export const INSTANCE_EXAMPLE = {
  id: EXAMPLE_ID,
  namespace: 'default',
  ...REGISTER_EXAMPLE,
  incarnationNumber: 1,
  status: 'healthy',
  health: { state: 'healthy', failures: 0, output: '', decidedBy: 'registration', since: NOW },
  override: null,
  registeredAt: NOW,
  updatedAt: NOW,
  version: 1,
  revision: 1841,
};

/** The example in responses of the registry. */
export const LEASED_EXAMPLE = {
  ...INSTANCE_EXAMPLE,
  health: { ...INSTANCE_EXAMPLE.health, lastCheckedAt: null, lastError: null },
  lastSeenAt: NOW,
  expiresAt: '2026-11-23T08:16:00.123Z',
};

/** Path parameters of the example, and of an instance that examples may deregister. */
export const NAME_EXAMPLE = { service: 'orders', instanceId: 'orders-7f9c' };
export const SPARE_NAME_EXAMPLE = { service: 'orders', instanceId: 'orders-9b4e' };
