import { type CallOrigin, type RepeatableCall } from '@coordination/context';
import { newId } from '@coordination/kernel';
import {
  type GrpcCheck,
  type HttpCheck,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceSpec,
  type LeasedInstance,
  type TcpCheck,
} from '@coordination/catalog';
import { type RegisterCommand } from '@coordination/registry';

/** The time at which the factories' instances were registered. */
export const REGISTERED_AT = '2026-01-01T00:00:00.000Z';

/** A later time: the present of tests that decide. */
export const NOW = '2026-01-01T00:10:00.000Z';

/** Who asks, in tests that do not care. */
export const anOrigin = (differing: Partial<CallOrigin> = {}): CallOrigin => ({
  actor: 'anonymous',
  clientAddress: '127.0.0.1',
  requestId: 'request-1',
  source: 'api',
  reason: null,
  ...differing,
});

/** A call under a key; calls with the same text are the same one. */
export const aRepeatableCall = (key: string, text = key, noteReplay = (): void => undefined): RepeatableCall => ({
  key,
  fingerprint: Buffer.from(text).toString('base64url').padEnd(43, '_').slice(0, 43),
  noteReplay,
});

export const anIdentity = (differing: Partial<InstanceIdentity> = {}): InstanceIdentity => ({
  namespace: 'default',
  service: 'orders',
  instanceId: 'orders-1',
  ...differing,
});

/** A spec as it is after validation, with all defaults filled in. */
export const aSpec = (differing: Partial<InstanceSpec> = {}): InstanceSpec => ({
  type: 'api',
  scheme: 'http',
  host: '10.0.3.17',
  port: 8080,
  zone: null,
  weight: 100,
  metadata: { version: '2.4.1', tags: { team: 'checkout' } },
  check: { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 },
  ...differing,
});

const PROBE_TERMS = {
  intervalSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 3,
  successThreshold: 1,
  ttlSeconds: null,
  deregisterAfterSeconds: 900,
} as const;

/** Checks that probe, as they are after validation. */
export const anHttpCheck = (differing: Partial<HttpCheck> = {}): HttpCheck => ({
  kind: 'http',
  method: 'GET',
  path: '/health',
  expectedStatuses: '200-299',
  headers: {},
  tlsVerify: true,
  ...PROBE_TERMS,
  ...differing,
});
export const aTcpCheck = (differing: Partial<TcpCheck> = {}): TcpCheck => ({
  kind: 'tcp',
  ...PROBE_TERMS,
  ...differing,
});
export const aGrpcCheck = (differing: Partial<GrpcCheck> = {}): GrpcCheck => ({
  kind: 'grpc',
  serviceName: '',
  tlsVerify: true,
  ...PROBE_TERMS,
  ...differing,
});

/** The record of an instance that was just registered; its status follows from health and override. */
export function anInstance(differing: Partial<InstanceRecord> = {}): InstanceRecord {
  const health = differing.health ?? {
    state: 'healthy',
    failures: 0,
    output: '',
    decidedBy: 'registration',
    since: REGISTERED_AT,
  };
  const override = differing.override ?? null;
  return {
    id: newId(),
    ...anIdentity(),
    ...aSpec(),
    incarnation: null,
    incarnationNumber: 1,
    registeredAt: REGISTERED_AT,
    updatedAt: REGISTERED_AT,
    version: 1,
    revision: 1,
    ...differing,
    health,
    override,
    status: override?.status ?? health.state,
  };
}

/** An instance with its lease, last renewed when it was registered. */
export const aLeasedInstance = (differing: Partial<InstanceRecord> = {}): LeasedInstance => ({
  instance: anInstance(differing),
  lease: { renewedAt: REGISTERED_AT, checkedAt: null },
});

/** A registration of a new instance, with an id of its own. */
export const registerCommand = (differing: Partial<RegisterCommand> = {}): RegisterCommand => ({
  kind: 'register',
  id: newId(),
  identity: anIdentity(),
  spec: aSpec(),
  ...differing,
});
