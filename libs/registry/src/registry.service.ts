import { Injectable } from '@nestjs/common';
import { type Endpoint, type InstanceTest } from '@coordination/catalog';
import { type JsonObject, type JsonValue, OutcomeUnknownError } from '@coordination/kernel';
import { type CallOrigin, RequestContext } from '@coordination/context';
import { type Command, type ExpectedVersion, type RegisterCommand, type Target } from './domain/commands.js';
import { isProbed } from './domain/health-rules.js';
import { ProbePolicy } from './domain/probe-policy.js';
import { refuseRepeatedIdentities } from './domain/repeated-identities.js';
import { toSpec } from './domain/spec/instance-spec.schema.js';
import { LeaseRenewals } from './leases/lease-renewals.js';
import { UnchangedRegistrations } from './leases/unchanged-registrations.js';
import { RegistrationMetrics } from './registration-metrics.js';
import { type NamedInstance } from './requests/named-instances.schemas.js';
import { type ReplaceInstance, type ReportHealth, type SetOverride } from './requests/registry.schemas.js';
import { type CommandResult, type WriteRequest, type WriteResult } from './requests/write-request.js';
import { CatalogWriter } from './write/catalog-writer.js';

/** What must be true of an instance; otherwise a write is rejected and changes nothing. */
export interface WriteConditions {
  readonly ifMatch?: ExpectedVersion;
  /** The incarnation that the caller speaks for. */
  readonly incarnation?: string | undefined;
}

/**
 * The command API of the catalog, for all wire protocols: applies the policies, and submits what callers want as commands.
 * The actor and the source of a change are those of the request that is being served. Results have one command for each
 * instance, in the order of the instances.
 */
@Injectable()
export class RegistryService {
  constructor(
    private readonly writer: CatalogWriter,
    private readonly renewals: LeaseRenewals,
    private readonly unchanged: UnchangedRegistrations,
    private readonly context: RequestContext,
    private readonly probePolicy: ProbePolicy,
    private readonly metrics: RegistrationMetrics,
  ) {}

  /**
   * Registers an instance, or replaces its record. A registration that changes nothing renews the lease and takes no revision.
   * @throws AlreadyRegisteredError, VersionMismatchError, InstanceNotFoundError by its preconditions
   * @throws ValidationFailedError when it needs a probe that the policy forbids, or sets a health that probes decide
   */
  async register(command: RegisterCommand): Promise<WriteResult> {
    const { spec, initialState } = command;
    if (isProbed(spec.check)) this.probePolicy.assertAllows([{ spec, initialState, path: '' }]);
    const origin = this.context.origin();
    const renewed = await this.unchanged.renew(command, origin);
    return this.counted(renewed ?? (await this.submit([command], origin)));
  }

  /**
   * Registers many instances in one transaction, all or none. Errors name the n-th of them as `/instances/n`.
   * @throws ValidationFailedError as {@link register}, or when two commands name the same instance
   */
  async registerBatch(commands: readonly RegisterCommand[]): Promise<WriteResult> {
    refuseRepeatedIdentities(commands);
    this.probePolicy.assertAllows(
      commands.map(({ spec, initialState }, n) => ({ spec, initialState, path: `/instances/${n}` })),
    );
    return this.counted(await this.submit(commands));
  }

  async replace(target: Target, body: ReplaceInstance, ifMatch: ExpectedVersion): Promise<WriteResult> {
    const { namespace, service, instanceId, status, incarnation, ...fields } = body;
    const claimed = { namespace, service, instanceId };
    const spec = toSpec(fields);
    this.probePolicy.assertAllows([{ spec, initialState: status, path: '' }]);
    return await this.submit([{ kind: 'replace', target, spec, initialState: status, claimed, ifMatch, incarnation }]);
  }

  async patch(target: Target, patch: JsonObject, conditions: WriteConditions): Promise<WriteResult> {
    const complaints = (endpoint: Endpoint) => this.probePolicy.complaintsAbout(endpoint);
    return await this.submit([{ kind: 'patch', target, patch, complaints, ...conditions }]);
  }

  async deregister(target: Target, conditions: WriteConditions): Promise<WriteResult> {
    return await this.submit([{ kind: 'deregister', target, ...conditions }]);
  }

  /** Deregisters many instances in one transaction. Instances that do not exist, or that another incarnation runs, are skipped. */
  async deregisterMany(instances: readonly NamedInstance[]): Promise<WriteResult> {
    return await this.submit(
      instances.map(({ id, incarnation }) => ({
        kind: 'deregister',
        target: { id },
        incarnation,
        whenAbsent: 'ignore',
      })),
    );
  }

  async reportHealth(target: Target, report: ReportHealth, conditions: WriteConditions): Promise<WriteResult> {
    return await this.submit([{ kind: 'report-health', target, report, ...conditions }]);
  }

  async setOverride(target: Target, override: SetOverride, conditions: WriteConditions): Promise<WriteResult> {
    return await this.submit([{ kind: 'set-override', target, ...withNulls(override), ...conditions }]);
  }

  /**
   * Sets one override on many instances, in one transaction. Instances that no longer exist, or for which `onlyIf` is no
   * longer true at the decision, get the outcome `absent`.
   */
  async setOverrideOfMany(ids: readonly string[], override: SetOverride, onlyIf: InstanceTest): Promise<WriteResult> {
    const set = { kind: 'set-override', ...withNulls(override), whenAbsent: 'ignore', onlyIf } as const;
    return await this.submit(ids.map(id => ({ ...set, target: { id } })));
  }

  async clearOverride(target: Target, conditions: WriteConditions): Promise<WriteResult> {
    return await this.submit([{ kind: 'clear-override', target, ...conditions }]);
  }

  /**
   * Clears the overrides of many instances, in one transaction; otherwise like {@link setOverrideOfMany}.
   * @param note is returned with the result; a repetition of the request returns the note of the first time
   */
  async clearOverrideOfMany(ids: readonly string[], onlyIf: InstanceTest, note: JsonValue): Promise<WriteResult> {
    const clear = { kind: 'clear-override', whenAbsent: 'ignore', onlyIf } as const;
    const commands = ids.map(id => ({ ...clear, target: { id } }));
    return await this.submitRequest({ commands, origin: this.context.origin(), note });
  }

  /**
   * A heartbeat that may change the health of the instance. Other heartbeats need only {@link LeaseRenewals}. Both ignore an
   * Idempotency-Key: each heartbeat is a sign of life of its own.
   */
  async heartbeat(target: Target, incarnation?: string): Promise<WriteResult> {
    return await this.submitUnkeyed([{ kind: 'heartbeat', target, incarnation }]);
  }

  /**
   * Heartbeats that may change health, in one transaction. Instances that do not exist get the outcome `absent`, instances
   * that another incarnation runs `ended`.
   */
  async heartbeatMany(instances: readonly NamedInstance[]): Promise<WriteResult> {
    return await this.submitUnkeyed(
      instances.map(({ id, incarnation }) => ({
        kind: 'heartbeat',
        target: { id },
        incarnation,
        whenAbsent: 'ignore',
      })),
    );
  }

  private counted(result: WriteResult): WriteResult {
    if (result.repeatsAfterMs === undefined) {
      for (const { outcome } of result.results) this.metrics.registered(outcome);
    }
    return result;
  }

  private async submit(commands: readonly Command[], origin = this.context.origin()): Promise<WriteResult> {
    return await this.submitRequest({ commands, origin });
  }

  private async submitUnkeyed(commands: readonly Command[]): Promise<WriteResult> {
    const origin: CallOrigin = { ...this.context.origin(), repeatable: undefined };
    return await this.submitRequest({ commands, origin });
  }

  private async submitRequest(request: WriteRequest): Promise<WriteResult> {
    const result = await this.writer.submit(request);
    try {
      this.renewLeases(result);
    } catch (cause) {
      // Changes are committed, so "not available" would be wrong. The caller may repeat the request.
      if (result.results.some(({ outcome }) => CHANGES.has(outcome))) throw new OutcomeUnknownError({ cause });
      throw cause;
    }
    return result;
  }

  /** A repetition records the sign of life of the first time, in case that was lost; it is no sign of life itself. */
  private renewLeases({ results, repeatsAfterMs }: WriteResult): void {
    for (const { leased, lifeSign } of results) {
      if (leased && lifeSign !== 'none') {
        const { id, incarnationNumber } = leased.instance;
        this.renewals.renew(id, { reported: lifeSign === 'report', ageMs: repeatsAfterMs, incarnationNumber });
      }
    }
  }
}

const withNulls = ({ status, scope, reason, until }: SetOverride) => ({
  status,
  scope,
  reason: reason ?? null,
  until: until ?? null,
});

/** Outcomes of commands that changed the catalog. */
const CHANGES: ReadonlySet<CommandResult['outcome']> = new Set(['created', 'updated', 'deregistered']);
