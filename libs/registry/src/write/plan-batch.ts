import { chainEvent, type EventDraft, type LockedHead, type LogEvent } from '@coordination/log';
import { type CallOrigin } from '@coordination/context';
import {
  identityKey,
  type InstanceRecord,
  type Lease,
  type LeasedInstance,
  type ServiceTouch,
  toStored,
} from '@coordination/catalog';
import { type RoleTerm, TermEndedError } from '@coordination/leadership';
import { type Command, type Target, targetOf } from '../domain/commands.js';
import { decide } from '../domain/decide.js';
import { type Decision, type LeaseEffect } from '../domain/decision.js';
import { FirstAnswers, type KnownKey, type NewAnswer } from '../idempotency/first-answers.js';
import { type InstanceChange } from '../store/instance-change.js';
import { type CarriedOut, type RequestOutcome } from '../idempotency/request-outcome.js';
import { type CommandResult, type SystemEvent, type WriteRequest } from '../requests/write-request.js';

/** What one transaction may carry. The first request of a batch is taken whatever it weighs, for it is never split. */
export interface BatchLimits {
  readonly maxChanges: number;
  /** Bytes of the instances before and after their changes. */
  readonly maxBytes: number;
}

/** What a batch comes to: nothing of it has happened yet. */
export interface BatchPlan {
  /** In revision order, gapless after the head. */
  readonly events: readonly LogEvent[];
  readonly changes: readonly InstanceChange[];
  readonly touches: readonly ServiceTouch[];
  /** What else happened, in the order of its events. */
  readonly occurrences: readonly SystemEvent[];
  /** One for each request that was taken, in their order; the rest belongs into the next batch. */
  readonly outcomes: readonly RequestOutcome[];
  /** First answers that are to be kept with the changes. */
  readonly answers: readonly NewAnswer[];
}

/** What a batch is decided from. */
export interface BatchInput {
  readonly head: LockedHead;
  readonly batchId: string;
  readonly requests: readonly WriteRequest[];
  /** The instances that the requests name, as far as they exist. */
  readonly found: readonly LeasedInstance[];
  /** What is known of the keys that the requests carry. */
  readonly known?: readonly KnownKey[];
  /** Terms in roles that are over: what was asked for in them is refused. */
  readonly endedTerms?: ReadonlySet<RoleTerm>;
  readonly limits: BatchLimits;
}

/**
 * Decides all requests of a batch in turn, each on what the ones before it left. A rejection undoes its own request only.
 * One that was answered before, in this batch too, gets that answer and has no effect.
 */
export function planBatch(input: BatchInput): BatchPlan {
  const { requests, known = [], endedTerms, limits } = input;
  const batch = new Batch(input);
  const firstAnswers = new FirstAnswers(known);
  const carryOut = (request: WriteRequest): CarriedOut => {
    const { term } = request;
    const isOver = term !== undefined && endedTerms?.has(term) === true;
    return isOver ? { error: new TermEndedError(term) } : batch.carryOut(request);
  };
  const outcomes: RequestOutcome[] = [];
  for (const request of requests) {
    if (outcomes.length > 0 && (batch.isFull(limits) || isAlone(request))) break;
    outcomes.push(firstAnswers.answer(request, () => carryOut(request)));
    if (isAlone(request)) break;
  }
  const { events, occurrences } = batch;
  const touches = touchesOf(events);
  return { events, changes: batch.changes(), touches, occurrences, outcomes, answers: firstAnswers.news };
}

const isAlone = ({ occurrence }: WriteRequest): boolean => occurrence?.isAlone === true;

/** The size of what is stored besides the metadata, roughly. */
const RECORD_BYTES = 1_000;

const weigh = (leased: LeasedInstance | undefined): number =>
  leased ? RECORD_BYTES + JSON.stringify(leased.instance.metadata).length : 0;

/** The catalog as far as a batch knows it, and what the batch has done to it so far. */
class Batch {
  readonly events: LogEvent[] = [];
  readonly occurrences: SystemEvent[] = [];
  private readonly head: LockedHead;
  private readonly batchId: string;
  private readonly original = new Map<string, LeasedInstance>();
  private readonly current = new Map<string, LeasedInstance | undefined>();
  private readonly idByIdentity = new Map<string, string>();
  private readonly touched = new Set<string>();
  private bytes = 0;

  constructor({ head, batchId, found }: BatchInput) {
    this.head = head;
    this.batchId = batchId;
    for (const leased of found) {
      this.original.set(leased.instance.id, leased);
      this.put(leased.instance, leased);
    }
  }

  isFull({ maxChanges, maxBytes }: BatchLimits): boolean {
    return this.events.length >= maxChanges || this.bytes >= maxBytes;
  }

  carryOut({ commands, origin, occurrence, note }: WriteRequest): CarriedOut {
    const undo: (() => void)[] = [];
    try {
      const results = commands.map(command => {
        const decision = this.decide(command, origin);
        if (decision.kind === 'rejected') throw decision.error;
        if (decision.kind === 'changed') undo.push(this.apply(decision, origin));
        return resultOf(decision, this.head.clock);
      });
      if (occurrence) this.note(occurrence, origin);
      return { results, note };
    } catch (error) {
      // A rejection, or a bug of ours that one command met: either way its neighbours go on.
      for (const step of undo.toReversed()) step();
      return { error };
    }
  }

  /** One net change for each instance that is not as it was; one that came and went in the batch needs none. */
  changes(): InstanceChange[] {
    return [...this.touched]
      .map(id => ({ before: this.original.get(id), after: this.current.get(id) }))
      .filter(({ before, after }) => before !== after);
  }

  private decide(command: Command, origin: CallOrigin): Decision {
    const { now, clock } = this.head;
    const moment = { now, clock, revision: this.nextRevision, actor: origin.actor };
    return decide(this.find(targetOf(command)), command, moment);
  }

  private get nextRevision(): number {
    return this.head.revision + this.events.length + 1;
  }

  private find(target: Target): LeasedInstance | undefined {
    const id = 'id' in target ? target.id : this.idByIdentity.get(identityKey(target.identity));
    return id === undefined ? undefined : this.current.get(id);
  }

  /** @returns how to undo it; steps are undone last first */
  private apply(decision: Decision & { kind: 'changed' }, origin: CallOrigin): () => void {
    const { before, after } = decision;
    const subject = (after ?? before!).instance;
    const bytes = weigh(before) + weigh(after);
    const isFirst = !this.touched.has(subject.id);
    this.touched.add(subject.id);
    this.events.push(this.chain(draftOf(decision, origin)));
    this.put(subject, after);
    this.bytes += bytes;
    return () => {
      this.bytes -= bytes;
      this.put(subject, before);
      this.events.pop();
      if (isFirst) this.touched.delete(subject.id);
    };
  }

  private note(occurrence: SystemEvent, origin: CallOrigin): void {
    const { action, before, after } = occurrence;
    this.events.push(this.chain({ ...loggedOf(origin), action, ...NO_INSTANCE, before, after }));
    this.occurrences.push(occurrence);
  }

  private chain(draft: EventDraft): LogEvent {
    return chainEvent(draft, {
      revision: this.nextRevision,
      at: this.head.now,
      batchId: this.batchId,
      previousHash: this.events.at(-1)?.hash ?? this.head.hash,
    });
  }

  /** What is there under a subject's id and name from now on; undefined: nothing. */
  private put(subject: InstanceRecord, leased: LeasedInstance | undefined): void {
    this.current.set(subject.id, leased);
    if (leased) this.idByIdentity.set(identityKey(subject), subject.id);
    else this.idByIdentity.delete(identityKey(subject));
  }
}

/** The services that events speak of, each with the last one; some events speak of none. */
export function touchesOf(events: readonly LogEvent[]): ServiceTouch[] {
  const last = new Map<string, ServiceTouch>();
  for (const { namespace, service, revision } of events) {
    if (namespace !== null && service !== null) last.set(`${namespace}/${service}`, { namespace, service, revision });
  }
  return [...last.values()];
}

const NO_INSTANCE = { namespace: null, service: null, instanceId: null, instanceUuid: null, version: null } as const;

/** What the log keeps of an origin; a key is between the caller and us. */
const loggedOf = ({ actor, clientAddress, requestId, source, reason }: CallOrigin) => ({
  actor,
  clientAddress,
  requestId,
  source,
  reason,
});

function draftOf(decision: Decision & { kind: 'changed' }, origin: CallOrigin): EventDraft {
  const { action, before, after, reason, statedReason } = decision;
  const subject = (after ?? before!).instance;
  return {
    action,
    namespace: subject.namespace,
    service: subject.service,
    instanceId: subject.instanceId,
    instanceUuid: subject.id,
    ...loggedOf(origin),
    reason: reason ?? origin.reason ?? statedReason ?? null,
    version: after?.instance.version ?? subject.version + 1,
    before: before ? toStored(before.instance) : null,
    after: after ? toStored(after.instance) : null,
  };
}

function resultOf(decision: Exclude<Decision, { kind: 'rejected' }>, clock: string): CommandResult {
  if (decision.kind === 'absent' || decision.kind === 'ended') {
    return { outcome: decision.kind, leased: undefined, lifeSign: 'none' };
  }
  if (decision.kind === 'unchanged') {
    const { current, lifeSign } = decision;
    const leased = { instance: current.instance, lease: afterSign(current.lease, lifeSign, clock) };
    return { outcome: 'unchanged', leased, lifeSign };
  }
  const { before, after } = decision;
  if (!after) return { outcome: 'deregistered', leased: before, lifeSign: 'none' };
  return { outcome: before ? 'updated' : 'created', leased: after, lifeSign: 'none' };
}

/** The lease as a sign of life leaves it; it is noted outside the log a moment later. */
function afterSign(lease: Lease, sign: LeaseEffect, clock: string): Lease {
  if (sign === 'none') return lease;
  return { renewedAt: clock, checkedAt: sign === 'report' ? clock : lease.checkedAt };
}
