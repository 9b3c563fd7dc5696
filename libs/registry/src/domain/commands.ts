import { type FieldError } from '@coordination/kernel';
import {
  type Endpoint,
  type InitialState,
  type InstanceIdentity,
  type InstanceRecord,
  type InstanceSpec,
  type InstanceTest,
  type JsonObject,
  type LeaseAllowance,
  type OverrideScope,
  type OverrideStatus,
} from '@coordination/catalog';
import { type HealthReport, type ProbeVerdict } from './health-rules.js';

/** How a command names its instance: by the server's id or by the caller's own name for it. */
export type Target = { readonly id: string } | { readonly identity: InstanceIdentity };

/** The versions that the caller takes the instance to have; `*`: any; undefined: it does not care. */
export type ExpectedVersion = readonly number[] | '*' | undefined;

interface Targeted {
  readonly target: Target;
  readonly ifMatch?: ExpectedVersion;
  /** The incarnation that the caller speaks for; it must be the one that runs now. Undefined: whichever runs. */
  readonly incarnation?: string | undefined;
}

/** Makes an instance known, or replaces what is known of it. */
export interface RegisterCommand {
  readonly kind: 'register';
  /** The id that the instance gets if it is new. */
  readonly id: string;
  readonly identity: InstanceIdentity;
  readonly spec: InstanceSpec;
  /** Counts only when the instance is new or its health starts over. */
  readonly initialState?: InitialState | undefined;
  /** Refused when the identity exists (`If-None-Match: *`). */
  readonly mustBeNew?: boolean;
  readonly ifMatch?: ExpectedVersion;
  /** The incarnation of the process that registers. Another one than before begins the next. */
  readonly incarnation?: string | undefined;
}

/** Replaces what the caller may set of an instance that exists. Its incarnation means what that of a registration does. */
export interface ReplaceCommand extends Targeted {
  readonly kind: 'replace';
  readonly spec: InstanceSpec;
  readonly initialState?: InitialState | undefined;
  /** What the body says of the identity; it must be what it is. */
  readonly claimed: Partial<InstanceIdentity>;
}

/** Changes some of what the caller may set, by JSON merge patch. */
export interface PatchCommand extends Targeted {
  readonly kind: 'patch';
  readonly patch: JsonObject;
  /** What is wrong with a new endpoint or check besides its form, such as a probe that policy forbids. */
  readonly complaints?: (endpoint: Endpoint) => readonly FieldError[];
}

interface Forgiving extends Targeted {
  /**
   * What an instance that is not there, or is run by another incarnation, means: a rejection (the default), or nothing to
   * do.
   */
  readonly whenAbsent?: 'reject' | 'ignore';
}

export interface DeregisterCommand extends Forgiving {
  readonly kind: 'deregister';
}

export interface ReportHealthCommand extends Targeted {
  readonly kind: 'report-health';
  readonly report: HealthReport;
}

/** What was probed: an endpoint, and the process behind it. */
export type Probed = Endpoint & Pick<InstanceRecord, 'incarnationNumber'>;

/** What probes found; nothing, if the instance is no longer what was probed. */
export interface ReportProbeCommand extends Forgiving {
  readonly kind: 'report-probe';
  readonly probed: Probed;
  readonly verdict: ProbeVerdict;
}

/** A command about an instance that was chosen for what it was like a moment ago. */
interface Choosing extends Forgiving {
  /** Whether it is still what was chosen, judged when the command is decided; if not, it counts as absent. Pure. */
  readonly onlyIf?: InstanceTest;
}

/** A heartbeat of an instance whose health it may change; others only renew the lease. */
export interface HeartbeatCommand extends Choosing {
  readonly kind: 'heartbeat';
}

export interface SetOverrideCommand extends Choosing {
  readonly kind: 'set-override';
  readonly status: OverrideStatus;
  /** By default that of the status. */
  readonly scope?: OverrideScope | undefined;
  readonly reason: string | null;
  readonly until: string | null;
}

export interface ClearOverrideCommand extends Choosing {
  readonly kind: 'clear-override';
  /** Only if it has run out by the time of the decision; an override that was set anew stays. */
  readonly onlyIfOver?: boolean;
}

/**
 * Draws the consequence of a lease that is over, if it still is by the time of the decision: the instance becomes
 * unhealthy, and goes when it has been so for as long as its check allows.
 */
export interface ExpireCommand extends Forgiving {
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
