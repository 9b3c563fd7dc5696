import { contradicts, type ReadIndex, refuseStandby } from '@coordination/log';
import { type RequestContext } from '@coordination/context';
import { type Databases, readStatement } from '@coordination/database';
import {
  InstanceNotFoundError,
  OutcomeUnknownError,
  StoreUnavailableError,
  ValidationFailedError,
} from '@coordination/kernel';
import {
  claimOf,
  type Endpoint,
  identityKey,
  type InstanceRecord,
  type InstanceTest,
  type JsonObject,
  type JsonValue,
  type LeasedInstance,
  type LocalCatalog,
} from '@coordination/catalog';
import { type Command, type ExpectedVersion, type RegisterCommand, type Target } from './domain/commands.js';
import { isUnchanged } from './domain/decide.js';
import { mayHeal } from './domain/health-rules.js';
import { toSpec } from './domain/spec/instance-spec.schema.js';
import { type ProbePolicy } from './domain/probe-policy.js';
import { type LeaseRenewals } from './leases/lease-renewals.js';
import { type RegistrationMetrics } from './registration-metrics.js';
import { type NamedInstance } from './requests/named-instances.schemas.js';
import { refuseClaim } from './requests/registration.js';
import { type ReplaceInstance, type ReportHealth, type SetOverride } from './requests/registry.schemas.js';
import { type ServiceInstanceRepository } from './store/service-instance.repository.js';
import { type CatalogWriter } from './write/catalog-writer.js';
import { type CommandResult, type WriteRequest, type WriteResult } from './requests/write-request.js';

/** What a write did to one instance. */
export interface InstanceWritten {
  readonly outcome: CommandResult['outcome'];
  readonly leased: LeasedInstance;
  /** The revision and epoch of the catalog that the answer speaks of. */
  readonly revision: number;
  readonly epoch: string;
  readonly repeatsAfterMs?: number;
}

/** What many heartbeats came to: which instances are gone, which are run by others, and of which catalog that is true. */
export interface HeartbeatsWritten {
  readonly gone: readonly string[];
  readonly ended: readonly string[];
  readonly revision: number;
  readonly epoch: string;
}

/** What must be so of an instance, or else nothing of a write happens. */
export interface WriteConditions {
  readonly ifMatch?: ExpectedVersion;
  /** The incarnation that the caller speaks for. */
  readonly incarnation?: string | undefined;
}

/** One instance, and where the catalog stood at that moment. */
export interface InstanceRead {
  readonly leased: LeasedInstance;
  readonly revision: number;
  readonly epoch: string;
}

export interface RegistryServiceTools {
  readonly writer: CatalogWriter;
  readonly renewals: LeaseRenewals;
  readonly catalog: LocalCatalog;
  readonly readIndex: ReadIndex;
  readonly databases: Databases;
  readonly instances: ServiceInstanceRepository;
  readonly context: RequestContext;
  readonly metrics: RegistrationMetrics;
  readonly probePolicy: ProbePolicy;
}

/** The write side of the catalog for whoever speaks its protocol: what callers want becomes commands. */
export class RegistryService {
  constructor(private readonly tools: RegistryServiceTools) {}

  /**
   * Registers an instance, or replaces what is known of it. One that says nothing new costs no revision.
   * @throws AlreadyRegisteredError, VersionMismatchError, InstanceNotFoundError by its preconditions
   * @throws ValidationFailedError when it asks for a probe that policy forbids
   */
  async register(command: RegisterCommand): Promise<InstanceWritten> {
    this.refuseForbidden([{ endpoint: command.spec, at: '' }]);
    const written = (await this.registerAgain(command)) ?? (await this.write(command));
    if (written.repeatsAfterMs === undefined) this.tools.metrics.registered(written.outcome);
    return written;
  }

  /** Registers many instances in one transaction, all or none. */
  async registerBatch(commands: readonly RegisterCommand[]): Promise<WriteResult> {
    this.refuseForbidden(commands.map(({ spec }, n) => ({ endpoint: spec, at: `/instances/${n}` })));
    const result = await this.submit(commands);
    if (result.repeatsAfterMs !== undefined) return result;
    for (const { outcome } of result.results) this.tools.metrics.registered(outcome);
    return result;
  }

  async replace(target: Target, body: ReplaceInstance, ifMatch: ExpectedVersion): Promise<InstanceWritten> {
    const { namespace, service, instanceId, status, incarnation, ...spec } = body;
    const claimed = { namespace, service, instanceId };
    const asked = toSpec(spec);
    refuseClaim(asked.check, status, '');
    this.refuseForbidden([{ endpoint: asked, at: '' }]);
    return await this.write({
      kind: 'replace',
      target,
      spec: asked,
      initialState: status,
      claimed,
      ifMatch,
      incarnation,
    });
  }

  async patch(target: Target, patch: JsonObject, conditions: WriteConditions): Promise<InstanceWritten> {
    const complaints = (endpoint: Endpoint) => this.tools.probePolicy.complaintsAbout(endpoint);
    return await this.write({ kind: 'patch', target, patch, complaints, ...conditions });
  }

  async deregister(target: Target, conditions: WriteConditions): Promise<InstanceWritten> {
    return await this.write({ kind: 'deregister', target, ...conditions });
  }

  /** Deregisters many instances in one transaction; those that are not there, or are run by others, are passed over. */
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

  async reportHealth(target: Target, report: ReportHealth, conditions: WriteConditions): Promise<InstanceWritten> {
    return await this.write({ kind: 'report-health', target, report, ...conditions });
  }

  async setOverride(target: Target, asked: SetOverride, conditions: WriteConditions): Promise<InstanceWritten> {
    return await this.write({ kind: 'set-override', target, ...toOverride(asked), ...conditions });
  }

  /**
   * Sets one override on many instances, in one transaction. Those that are gone, or of which `onlyIf` is no longer true
   * when it is decided, come back as absent.
   */
  async setOverrideOfMany(ids: readonly string[], asked: SetOverride, onlyIf: InstanceTest): Promise<WriteResult> {
    const override = toOverride(asked);
    return await this.submit(
      ids.map(id => ({ kind: 'set-override', target: { id }, ...override, whenAbsent: 'ignore', onlyIf })),
    );
  }

  async clearOverride(target: Target, conditions: WriteConditions): Promise<InstanceWritten> {
    return await this.write({ kind: 'clear-override', target, ...conditions });
  }

  /**
   * Takes the overrides of many instances back, in one transaction; else like {@link setOverrideOfMany}.
   * @param note comes back with the result; that of the first time, if this is a repetition
   */
  async clearOverrideOfMany(ids: readonly string[], onlyIf: InstanceTest, note: JsonValue): Promise<WriteResult> {
    const clear = { kind: 'clear-override', whenAbsent: 'ignore', onlyIf } as const;
    return await this.submit(
      ids.map(id => ({ ...clear, target: { id } })),
      note,
    );
  }

  /**
   * A heartbeat that may change the instance's health; those that cannot are taken by {@link LeaseRenewals} alone. Neither
   * look at an Idempotency-Key: each heartbeat is a sign of life of its own, and none is too many.
   */
  async heartbeat(target: Target, incarnation?: string): Promise<InstanceWritten> {
    return written(await this.submitUnkeyed([{ kind: 'heartbeat', target, incarnation }]));
  }

  /** Heartbeats that may change health, in one transaction; tells the ids of instances that are gone or run by others. */
  async heartbeatMany(instances: readonly NamedInstance[]): Promise<HeartbeatsWritten> {
    const commands = instances.map(
      ({ id, incarnation }) => ({ kind: 'heartbeat', target: { id }, incarnation, whenAbsent: 'ignore' }) as const,
    );
    const { results, revision, epoch } = await this.submitUnkeyed(commands);
    const idsOf = (outcome: CommandResult['outcome']) =>
      instances.filter((_, n) => results[n]?.outcome === outcome).map(({ id }) => id);
    return { gone: idsOf('absent'), ended: idsOf('ended'), revision, epoch };
  }

  /**
   * One instance with its signs of life, as the database has it.
   * @throws InstanceNotFoundError
   */
  async getOrFail(target: Target): Promise<InstanceRead> {
    const { databases, instances } = this.tools;
    const { leased, inRecovery, ...position } = await readStatement(databases, em => instances.findAtHead(em, target));
    refuseStandby(inRecovery);
    if (!leased) throw new InstanceNotFoundError('id' in target ? `id ${target.id}` : identityKey(target.identity));
    return { leased, ...position };
  }

  private refuseForbidden(asked: readonly { readonly endpoint: Endpoint; readonly at: string }[]): void {
    const errors = asked.flatMap(({ endpoint, at }) =>
      this.tools.probePolicy.complaintsAbout(endpoint).map(error => ({ ...error, path: at + error.path })),
    );
    if (errors.length > 0) throw new ValidationFailedError(errors);
  }

  /**
   * A registration that says nothing new is answered from memory, without going through the log: linearizable, because
   * the view is asked only after it has reached a revision that was the head after the request came.
   */
  private async registerAgain(command: RegisterCommand): Promise<InstanceWritten | undefined> {
    const { catalog, readIndex, renewals, context } = this.tools;
    // A first answer that has to be kept goes through the log.
    if (context.origin().repeatable) return undefined;
    if (command.mustBeNew || command.ifMatch !== undefined) return undefined;
    const peeked = catalog.peek(command.identity);
    if (!this.isRenewalOnly(peeked, command)) return undefined;
    const known = catalog.position();
    const head = await readIndex.current();
    // A head behind what was known is that of a restored backup, to which this registration may be news.
    if (contradicts(head, known)) return undefined;
    const record = await catalog.recordAt(command.identity, head.revision).catch(passOverLateView);
    if (catalog.position()?.epoch !== head.epoch) return undefined;
    if (!record || (record !== peeked && !this.isRenewalOnly(record, command))) return undefined;
    renewals.renew(record.id, { incarnationNumber: record.incarnationNumber });
    const lease = { renewedAt: head.clock, checkedAt: undefined };
    return { outcome: 'unchanged', leased: { instance: record, lease }, revision: head.revision, epoch: head.epoch };
  }

  private isRenewalOnly(
    record: InstanceRecord | undefined,
    { spec, incarnation }: RegisterCommand,
  ): record is InstanceRecord {
    if (!record || claimOf(record, incarnation) !== 'current' || !isUnchanged(record, spec)) return false;
    return !mayHeal(record);
  }

  private async write(command: Command): Promise<InstanceWritten> {
    return written(await this.submit([command]));
  }

  private async submit(commands: readonly Command[], note?: JsonValue): Promise<WriteResult> {
    return await this.submitRequest({ commands, origin: this.tools.context.origin(), note });
  }

  private async submitUnkeyed(commands: readonly Command[]): Promise<WriteResult> {
    return await this.submitRequest({
      commands,
      origin: { ...this.tools.context.origin(), repeatable: undefined },
    });
  }

  private async submitRequest(request: WriteRequest): Promise<WriteResult> {
    const result = await this.tools.writer.submit(request);
    try {
      this.noteLifeSigns(result);
    } catch (cause) {
      // What was changed is committed, so "not available" would be untrue; saying it all again is safe.
      if (result.results.some(({ outcome }) => CHANGES.has(outcome))) throw new OutcomeUnknownError({ cause });
      throw cause;
    }
    return result;
  }

  /** A repetition notes the sign of the first time, which may not have got as far, and is none itself. */
  private noteLifeSigns({ results, repeatsAfterMs }: WriteResult): void {
    for (const { leased, lifeSign } of results) {
      if (leased && lifeSign !== 'none') {
        const { id, incarnationNumber } = leased.instance;
        this.tools.renewals.renew(id, { reported: lifeSign === 'report', ageMs: repeatsAfterMs, incarnationNumber });
      }
    }
  }
}

/** What a request of one command did to its instance. */
function written({ results: [result], ...position }: WriteResult): InstanceWritten {
  if (!result?.leased) throw new Error('A command was answered without an instance.');
  return { outcome: result.outcome, leased: result.leased, ...position };
}

const toOverride = ({ status, scope, reason, until }: SetOverride) => ({
  status,
  scope,
  reason: reason ?? null,
  until: until ?? null,
});

/** A view that does not get to the head in time is no reason to refuse: the way through the log does not need it. */
function passOverLateView(error: unknown): undefined {
  if (!(error instanceof StoreUnavailableError)) throw error;
}

/** Outcomes of commands that changed the catalog. */
const CHANGES: ReadonlySet<CommandResult['outcome']> = new Set(['created', 'updated', 'deregistered']);
