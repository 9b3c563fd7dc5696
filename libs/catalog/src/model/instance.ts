import { type JsonObject } from '@coordination/kernel';
import { type ProbeError } from './probe-error.js';

/** The kinds of instances. */
export const INSTANCE_TYPES = [
  'api',
  'worker',
  'scheduler',
  'gateway',
  'cache',
  'database',
  'message_broker',
  'monitoring',
  'other',
] as const;
export type InstanceType = (typeof INSTANCE_TYPES)[number];

/** The protocols that instances speak. */
export const SCHEMES = ['http', 'https', 'grpc', 'grpcs', 'tcp', 'udp', 'ws', 'wss'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** The statuses that follow from the health of an instance. */
export const HEALTH_STATES = ['healthy', 'degraded', 'unhealthy', 'unknown', 'starting'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/** The statuses that an operator can set in place of the health. */
export const OVERRIDE_STATUSES = ['maintenance', 'stopping', 'stopped'] as const;
export type OverrideStatus = (typeof OVERRIDE_STATUSES)[number];

export const STATUSES = [...HEALTH_STATES, ...OVERRIDE_STATUSES] as const;
export type Status = (typeof STATUSES)[number];

/** The health states that a registration may start with. */
export const INITIAL_STATES = ['healthy', 'starting', 'unknown'] as const;
export type InitialState = (typeof INITIAL_STATES)[number];

/** What can decide the health. */
export const HEALTH_DECIDERS = ['registration', 'heartbeat', 'report', 'probe', 'lease'] as const;
export type HealthDecider = (typeof HEALTH_DECIDERS)[number];

interface LeaseTerms {
  /** Seconds after the last renewal at which the lease ends; null: it never does. */
  readonly ttlSeconds: number | null;
  /** Seconds of being unhealthy after which the instance is deregistered; 0: never. */
  readonly deregisterAfterSeconds: number;
}

interface ProbeTerms extends LeaseTerms {
  readonly intervalSeconds: number;
  /** For the connection and the complete response; the name is looked up before, in half the time at most. */
  readonly timeoutSeconds: number;
  /** Failures in a row that make the instance unhealthy. */
  readonly failureThreshold: number;
  /** Successes in a row that make the instance healthy. */
  readonly successThreshold: number;
}

/** Requests a path by HTTP, and checks the status of the response. */
export interface HttpCheck extends ProbeTerms {
  readonly kind: 'http';
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  /** Statuses and ranges of them, such as `200-299,304`. */
  readonly expectedStatuses: string;
  /** Names in lower case. All clients that may read the catalog see them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the certificate must be valid for the host, where the scheme has one. */
  readonly tlsVerify: boolean;
}

/** Opens a connection, and sends nothing. */
export interface TcpCheck extends ProbeTerms {
  readonly kind: 'tcp';
}

/** Calls the standard health service of gRPC. */
export interface GrpcCheck extends ProbeTerms {
  readonly kind: 'grpc';
  /** The service to check; empty: the server as a whole. */
  readonly serviceName: string;
  readonly tlsVerify: boolean;
}

/** Checks that nodes of this service perform themselves. */
export type ProbedCheck = HttpCheck | TcpCheck | GrpcCheck;

/** The kinds of checks, in the order of schemas and messages. */
export const CHECK_KINDS = ['heartbeat', 'none', 'http', 'tcp', 'grpc'] as const;

export type CheckKind = (typeof CHECK_KINDS)[number];

/** How this service determines whether an instance is alive. */
export type Check =
  ({ readonly kind: 'heartbeat' } & LeaseTerms) | ({ readonly kind: 'none' } & LeaseTerms) | ProbedCheck;

/** The schemas of all kinds of checks, for a discriminated union; a kind without one does not compile. */
export const forEachCheckKind = <S extends Readonly<Record<CheckKind, unknown>>>(
  schemas: S,
): [S[CheckKind], ...S[CheckKind][]] =>
  CHECK_KINDS.map(kind => schemas[kind]) as unknown as [S[CheckKind], ...S[CheckKind][]];

/** The permanent name of an instance. */
export interface InstanceIdentity {
  readonly namespace: string;
  readonly service: string;
  readonly instanceId: string;
}

/** What a client sets, apart from the identity. Two registrations are equal when their identity and spec are equal. */
export interface InstanceSpec {
  readonly type: InstanceType;
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  readonly zone: string | null;
  readonly weight: number;
  readonly metadata: JsonObject;
  readonly check: Check;
}

/** The health of an instance, separate from the override of an operator. Times are RFC 3339 in UTC. */
export interface Health {
  readonly state: HealthState;
  /** Failures reported or probed in a row. */
  readonly failures: number;
  /** The output of the last report or probe that counted. */
  readonly output: string;
  readonly decidedBy: HealthDecider;
  /** When the state began; or when the lease ended, which restarts the time. */
  readonly since: string;
}

/** What an override applies to: the process that runs under the name now, or the name, whichever process runs under it. */
export const OVERRIDE_SCOPES = ['incarnation', 'instance'] as const;
export type OverrideScope = (typeof OVERRIDE_SCOPES)[number];

/** An operator's override of the health-derived status, until it is cleared or `until` passes. */
export interface Override {
  readonly status: OverrideStatus;
  /** Absent in overrides that were stored before scopes existed: see {@link scopeOf}. */
  readonly scope?: OverrideScope;
  readonly reason: string | null;
  /** When it ends by itself; null: it does not. */
  readonly until: string | null;
  readonly setAt: string;
  readonly setBy: string;
}

/**
 * One instance as the catalog has it: in `before` and `after` of the log, in views and in the responses of discovery. Plain
 * JSON, so that its canonical form is the same wherever it is computed. It does not contain what changes without a revision
 * (renewals).
 */
export interface InstanceRecord extends InstanceIdentity, InstanceSpec {
  readonly id: string;
  /** The text that the process chose at its start; null: it named none. */
  readonly incarnation: string | null;
  /** 1 when created, +1 with each process that followed under the name. */
  readonly incarnationNumber: number;
  /** Incarnations that ended, the last one at the end; absent: none that had a name. Not in responses. */
  readonly endedIncarnations?: readonly string[];
  /** The override's status where there is one, else the health's state. */
  readonly status: Status;
  readonly health: Health;
  readonly override: Override | null;
  readonly registeredAt: string;
  readonly updatedAt: string;
  /** 1 when created, +1 with each change. */
  readonly version: number;
  /** The revision of the last change. */
  readonly revision: number;
}

/** The renewals of an instance, which change without a revision. Times are RFC 3339 in UTC. */
export interface Lease {
  /** The last registration, heartbeat or report. */
  readonly renewedAt: string;
  /** The last health report or probe; null: there was none; undefined: unknown. */
  readonly checkedAt: string | null | undefined;
  /** The last probe, if it did not succeed; absent: it did, or there was none, or it is unknown. */
  readonly probeError?: ProbeError;
}

/** An instance with its lease, on which decisions are based. */
export interface LeasedInstance {
  readonly instance: InstanceRecord;
  readonly lease: Lease;
}

export const identityOf = ({ namespace, service, instanceId }: InstanceIdentity): InstanceIdentity => ({
  namespace,
  service,
  instanceId,
});

/** The spec of an object that contains one. */
export const specOf = ({ type, scheme, host, port, zone, weight, metadata, check }: InstanceSpec): InstanceSpec => ({
  type,
  scheme,
  host,
  port,
  zone,
  weight,
  metadata,
  check,
});

const DEFAULT_SCOPES: Readonly<Record<OverrideStatus, OverrideScope>> = {
  maintenance: 'instance',
  stopping: 'incarnation',
  stopped: 'incarnation',
};

/** What an override applies to; by default, that depends on its status. */
export const scopeOf = ({
  status,
  scope,
}: {
  readonly status: OverrideStatus;
  readonly scope?: OverrideScope | undefined;
}): OverrideScope => scope ?? DEFAULT_SCOPES[status];

/** The address of an instance and its check: when any of them changes, the health is reset. */
export type Endpoint = Pick<InstanceSpec, 'scheme' | 'host' | 'port' | 'check'>;

/** A unique text for an identity; none of its parts contains `/`. */
export const identityKey = ({ namespace, service, instanceId }: InstanceIdentity): string =>
  `${namespace}/${service}/${instanceId}`;
