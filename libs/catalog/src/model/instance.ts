/** What an instance is good for. */
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

/** How an instance is spoken to. */
export const SCHEMES = ['http', 'https', 'grpc', 'grpcs', 'tcp', 'udp', 'ws', 'wss'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** What health alone can say of an instance. */
export const HEALTH_STATES = ['healthy', 'degraded', 'unhealthy', 'unknown', 'starting'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/** What an operator can say over health. */
export const OVERRIDE_STATUSES = ['maintenance', 'stopping', 'stopped'] as const;
export type OverrideStatus = (typeof OVERRIDE_STATUSES)[number];

export const STATUSES = [...HEALTH_STATES, ...OVERRIDE_STATUSES] as const;
export type Status = (typeof STATUSES)[number];

/** States that a registration may begin with. */
export const INITIAL_STATES = ['healthy', 'starting', 'unknown'] as const;
export type InitialState = (typeof INITIAL_STATES)[number];

/** Who or what decided the present health. */
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
  /** For all of a probe: looking up the name, connecting, and the whole answer. */
  readonly timeoutSeconds: number;
  /** Failures in a row that make unhealthy. */
  readonly failureThreshold: number;
  /** Successes in a row that make healthy. */
  readonly successThreshold: number;
}

/** Asks for a path by HTTP, and judges the status. */
export interface HttpCheck extends ProbeTerms {
  readonly kind: 'http';
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  /** Statuses and ranges of them, such as `200-299,304`. */
  readonly expectedStatuses: string;
  /** Names in lower case. Everybody who may read the catalog sees them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the certificate must be valid for the host, where the scheme has one. */
  readonly tlsVerify: boolean;
}

/** Opens a connection, and says nothing. */
export interface TcpCheck extends ProbeTerms {
  readonly kind: 'tcp';
}

/** Asks by the standard health protocol of gRPC. */
export interface GrpcCheck extends ProbeTerms {
  readonly kind: 'grpc';
  /** What to ask about; empty: the server as a whole. */
  readonly serviceName: string;
  readonly tlsVerify: boolean;
}

/** Checks that nodes of this service carry out themselves. */
export type ProbedCheck = HttpCheck | TcpCheck | GrpcCheck;

/** The kinds of checks, in the order of schemas and messages. */
export const CHECK_KINDS = ['heartbeat', 'none', 'http', 'tcp', 'grpc'] as const;

export type CheckKind = (typeof CHECK_KINDS)[number];

/** How it is found out whether an instance is alive. */
export type Check =
  ({ readonly kind: 'heartbeat' } & LeaseTerms) | ({ readonly kind: 'none' } & LeaseTerms) | ProbedCheck;

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** The schemas of all kinds of checks, for a discriminated union; a kind without one does not compile. */
export const forEachCheckKind = <S extends Readonly<Record<CheckKind, unknown>>>(
  schemas: S,
): [S[CheckKind], ...S[CheckKind][]] =>
  CHECK_KINDS.map(kind => schemas[kind]) as unknown as [S[CheckKind], ...S[CheckKind][]];

/** Names one instance for good. */
export interface InstanceIdentity {
  readonly namespace: string;
  readonly service: string;
  readonly instanceId: string;
}

/** What the caller may set, beside the identity. Two registrations are equal when identity and spec are. */
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

/** The judgement on an instance, kept apart from what operators say. Times are RFC 3339 in UTC. */
export interface Health {
  readonly state: HealthState;
  /** Failures reported or probed in a row. */
  readonly failures: number;
  /** What the last report or probe that counted said. */
  readonly output: string;
  readonly decidedBy: HealthDecider;
  /** Since when the state is what it is; or since the lease ended, which counts anew. */
  readonly since: string;
}

/** What an override belongs to: the process that runs under the name now, or the name, whichever process runs under it. */
export const OVERRIDE_SCOPES = ['incarnation', 'instance'] as const;
export type OverrideScope = (typeof OVERRIDE_SCOPES)[number];

/** An operator's word over health, until it is taken back or runs out. */
export interface Override {
  readonly status: OverrideStatus;
  /** Absent in what was stored before overrides had one: see {@link scopeOf}. */
  readonly scope?: OverrideScope;
  readonly reason: string | null;
  /** When it ends by itself; null: it does not. */
  readonly until: string | null;
  readonly setAt: string;
  readonly setBy: string;
}

/**
 * One instance as the catalog has it: what the log keeps in `before` and `after`, what views hold and what discovery
 * answers. Plain JSON, so that its canonical form is the same wherever it is computed. What moves without a revision
 * (renewals) is not in it.
 */
export interface InstanceRecord extends InstanceIdentity, InstanceSpec {
  readonly id: string;
  /** The text that the process chose at its start; null: it named none. */
  readonly incarnation: string | null;
  /** 1 when created, +1 with each process that followed under the name. */
  readonly incarnationNumber: number;
  /** Incarnations that ended, the last one at the end; absent: none that was named. Not in answers. */
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

/** The signs of life of an instance: they move without a revision. Times are RFC 3339 in UTC. */
export interface Lease {
  /** The last registration, heartbeat or report. */
  readonly renewedAt: string;
  /** The last health report or probe; null: there was none; undefined: it is not known here. */
  readonly checkedAt: string | null | undefined;
}

/** An instance with its lease: what deciding starts from. */
export interface LeasedInstance {
  readonly instance: InstanceRecord;
  readonly lease: Lease;
}

export const identityOf = ({ namespace, service, instanceId }: InstanceIdentity): InstanceIdentity => ({
  namespace,
  service,
  instanceId,
});

/** What the caller may set, and nothing else, of whatever has it. */
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

/** What an override belongs to, by its status where it does not say. */
export const scopeOf = ({
  status,
  scope,
}: {
  readonly status: OverrideStatus;
  readonly scope?: OverrideScope | undefined;
}): OverrideScope => scope ?? DEFAULT_SCOPES[status];

/** Where an instance is, and how it is found out whether it is alive: with any of it, health starts over. */
export type Endpoint = Pick<InstanceSpec, 'scheme' | 'host' | 'port' | 'check'>;

/** One text for one identity; `/` is in none of its parts. */
export const identityKey = ({ namespace, service, instanceId }: InstanceIdentity): string =>
  `${namespace}/${service}/${instanceId}`;
