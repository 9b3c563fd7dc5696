import { INSTANCE_EXAMPLE } from '@coordination/catalog';

const { id, namespace, service, instanceId, incarnation, incarnationNumber, version, revision, registeredAt } =
  INSTANCE_EXAMPLE;

export const EXPLANATION_EXAMPLE = {
  id,
  namespace,
  service,
  instanceId,
  incarnation,
  incarnationNumber,
  version,
  revision,
  at: '2026-11-23T08:15:40.000Z',
  status: 'healthy',
  since: registeredAt,
  decidedBy: 'registration',
  because: `It was registered as healthy, or reset to healthy when its endpoint, check or process changed, at ${registeredAt}.`,
  health: {
    ...INSTANCE_EXAMPLE.health,
    lastCheckedAt: null,
    lastError: null,
    because: `It was registered as healthy, or reset to healthy when its endpoint, check or process changed, at ${registeredAt}.`,
  },
  override: null,
  lease: {
    renewedAt: registeredAt,
    ttlSeconds: 30,
    expiresAt: '2026-11-23T08:16:00.123Z',
    remainingSeconds: 20.123,
    deregisterAt: null,
  },
  removal: null,
  probedBy: null,
  guard: null,
  timers: [
    {
      what: 'lease-ends',
      at: '2026-11-23T08:16:00.123Z',
      inSeconds: 20.123,
      effect: 'The lease expires, unless it is renewed.',
    },
  ],
  next: [
    {
      event: 'lease-ends',
      when: '2026-11-23T08:16:01.123Z',
      inSeconds: 21.123,
      status: 'unhealthy',
      what: 'Its lease of 30 s has expired, and it becomes unhealthy.',
      unless: 'a heartbeat, a registration or a report renews the lease before it expires',
      heldUntil: null,
    },
  ],
  signs: [
    {
      sign: 'heartbeat',
      status: 'healthy',
      what: 'A heartbeat would renew the lease and change nothing else.',
    },
  ],
  notes: [],
  lastEvents: [
    {
      revision,
      at: registeredAt,
      action: 'instance.registered',
      actor: 'anonymous',
      source: 'api',
      reason: null,
      from: null,
      to: 'healthy',
    },
  ],
};
