import { type FieldError, type JsonObject } from '@coordination/kernel';
import {
  type Endpoint,
  identityKey,
  type InitialState,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceSpec,
  type InstanceTest,
  type LeaseAllowance,
  type OverrideScope,
  type OverrideStatus,
} from '@coordination/catalog';
import { type HealthReport, type ProbeVerdict } from './health-rules.js';

/** How a command names its instance: by the server's id or by the caller's own name for it. */
export type Target = { readonly id: string } | { readonly identity: InstanceIdentity };

/** The versions that the caller expects; `*`: any version; undefined: there is no expectation. */
export type ExpectedVersion = readonly number[] | '*' | undefined;

interface Targeted {
  readonly target: Target;
  readonly ifMatch?: ExpectedVersion;
  /** The incarnation that the caller speaks for; it must be the one that runs now. Undefined: the one that runs, whichever it is. */
  readonly incarnation?: string | undefined;
}

/** Registers an instance, or replaces its record. */
export interface RegisterCommand {
  readonly kind: 'register';
  /** The id that the instance gets if it is new. */
  readonly id: string;
  readonly identity: InstanceIdentity;
  readonly spec: InstanceSpec;
  /** Applies only when the instance is new or its health is reset. */
  readonly initialState?: InitialState | undefined;
  /** Whether the command is rejected when the identity exists (`If-None-Match: *`). */
  readonly mustBeNew?: boolean;
  readonly ifMatch?: ExpectedVersion;
  /** The incarnation of the process that registers. A value that differs from the previous one begins the next incarnation. */
  readonly incarnation?: string | undefined;
}

/** Replaces what the caller may set of an existing instance. Its incarnation has the same meaning as that of a registration. */
export interface ReplaceCommand extends Targeted {
  readonly kind: 'replace';
  readonly spec: InstanceSpec;
  readonly initialState?: InitialState | undefined;
  /** The identity in the body; it must be that of the instance. */
  readonly claimed: Partial<InstanceIdentity>;
}

/** Changes some of the fields that the caller may set, by JSON merge patch. */
export interface PatchCommand extends Targeted {
  readonly kind: 'patch';
  readonly patch: JsonObject;
  /** Finds errors of a new endpoint or check that its schema does not find, such as a probe that the policy forbids. */
  readonly complaints?: (endpoint: Endpoint) => readonly FieldError[];
}

interface Ignorable extends Targeted {
  /** What happens if the instance does not exist, or another incarnation runs: a rejection (the default), or nothing. */
  readonly whenAbsent?: 'reject' | 'ignore';
}

export interface DeregisterCommand extends Ignorable {
  readonly kind: 'deregister';
}

export interface ReportHealthCommand extends Targeted {
  readonly kind: 'report-health';
  readonly report: HealthReport;
}

/** What was probed: an endpoint, and the process that it belongs to. */
export type Probed = Endpoint & Pick<InstanceRecord, 'incarnationNumber'>;

/** The result of probes. It changes nothing if the instance is no longer what was probed. */
export interface ReportProbeCommand extends Ignorable {
  readonly kind: 'report-probe';
  readonly probed: Probed;
  readonly verdict: ProbeVerdict;
}

/** A command about an instance that was chosen by its state a moment ago. */
interface Conditional extends Ignorable {
  /** Whether the instance is still to be chosen, evaluated at the decision; otherwise it counts as absent. Must be pure. */
  readonly onlyIf?: InstanceTest;
}

/** A heartbeat that may change the health of its instance; others only renew the lease. */
export interface HeartbeatCommand extends Conditional {
  readonly kind: 'heartbeat';
}

export interface SetOverrideCommand extends Conditional {
  readonly kind: 'set-override';
  readonly status: OverrideStatus;
  /** Default: the scope that the status implies. */
  readonly scope?: OverrideScope | undefined;
  readonly reason: string | null;
  readonly until: string | null;
}

export interface ClearOverrideCommand extends Conditional {
  readonly kind: 'clear-override';
  /** Whether it is cleared only if it has expired by the time of the decision; an override that was set again is kept. */
  readonly onlyIfOver?: boolean;
}

/**
 * Applies the end of a lease, if it has still ended at the time of the decision: the instance becomes unhealthy, and is
 * removed when it has been unhealthy for as long as its check allows.
 */
export interface ExpireCommand extends Ignorable {
  readonly kind: 'expire';
  readonly target: { readonly id: string };
  readonly allowance: LeaseAllowance;
}

/** Everything that can change an instance. */
export type Command =
  | RegisterCommand
  | ReplaceCommand
  | PatchCommand
  | DeregisterCommand
  | ReportHealthCommand
  | ReportProbeCommand
  | HeartbeatCommand
  | SetOverrideCommand
  | ClearOverrideCommand
  | ExpireCommand;

/** The instance that a command is about. */
export const targetOf = (command: Command): Target =>
  command.kind === 'register' ? { identity: command.identity } : command.target;

/** A target in messages: `id …`, or the identity. */
export const describeTarget = (target: Target): string =>
  'id' in target ? `id ${target.id}` : identityKey(target.identity);
