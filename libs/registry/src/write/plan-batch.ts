import {
  type EventDraft,
  type LockedHead,
  type LogEvent,
  type StateTexts,
  systemEvent,
  writeEvent,
} from '@coordination/log';
import { canonicalJson } from '@coordination/kernel';
import { type CallOrigin } from '@coordination/context';
import {
  canonicalRecord,
  identityKey,
  type InstanceRecord,
  type Lease,
  type LeasedInstance,
  type ServiceTouch,
  type StoredRecord,
  toStored,
} from '@coordination/catalog';
import { TermEndedError } from '@coordination/leadership';
import { type Command, type Target, targetOf } from '../domain/commands.js';
import { decide } from '../domain/decide.js';
import { type Decision, type LeaseEffect } from '../domain/decision.js';
import { FirstAnswers } from '../idempotency/first-answers.js';
import { type DecidedOutcome, type RequestOutcome } from '../idempotency/request-outcome.js';
import { type CommandResult, type SystemEvent, type WriteRequest } from '../requests/write-request.js';
import { type InstanceChange } from '../store/instance-change.js';
import { type BatchInput, type BatchLimits, type BatchPlan } from './batch-plan.js';

/** Decides a batch at once; see {@link planningSteps}. */
export function planBatch(input: BatchInput): BatchPlan {
  const steps = planningSteps(input);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/**
 * Decides all requests of a batch in turn, each on the state that the ones before it left. A rejection undoes its own
 * request only. A request that was answered before, also within this batch, gets that answer and has no effect.
 *
 * It yields after each command, so that other work can be done in between. The plan depends on nothing but the input.
 */
export function* planningSteps(input: BatchInput): Generator<void, BatchPlan, void> {
  const { requests, usedKeys = [], endedTerms, limits } = input;
  const batch = new Batch(input);
  const firstAnswers = new FirstAnswers(usedKeys);
  const outcomes: RequestOutcome[] = [];
  for (const request of requests) {
    if (outcomes.length > 0 && (batch.isFull(limits) || isAlone(request))) break;
    const { key, term } = request;
    let outcome = key && firstAnswers.find(key);
    if (!outcome) {
      const hasEnded = term !== undefined && endedTerms?.has(term) === true;
      const decided = hasEnded ? { error: new TermEndedError(term) } : yield* batch.carryOut(request);
      outcome = key ? firstAnswers.keep(key, decided) : decided;
    }
    outcomes.push(outcome);
    if (isAlone(request)) break;
  }
  const { events, eventTexts, systemEvents } = batch;
  const touches = touchesOf(events);
  return { events, eventTexts, changes: batch.changes(), touches, systemEvents, outcomes, answers: firstAnswers.news };
}

const isAlone = ({ systemEvent }: WriteRequest): boolean => systemEvent?.isAlone === true;

class Batch {
  readonly events: LogEvent[] = [];
  readonly eventTexts: string[] = [];
  readonly systemEvents: SystemEvent[] = [];
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

  /** Decides the commands of a request, all or none. */
  *carryOut({ commands, origin, systemEvent: event, note }: WriteRequest): Generator<void, DecidedOutcome, void> {
    const undo: (() => void)[] = [];
    try {
      const results: CommandResult[] = [];
      for (const command of commands) {
        const decision = this.decide(command, origin);
        if (decision.kind === 'rejected') throw decision.error;
        if (decision.kind === 'changed') undo.push(this.apply(decision, origin));
        results.push(resultOf(decision, this.head.clock));
        yield;
      }
      if (event) this.add(event, origin);
      return { results, note };
    } catch (error) {
      // A rejection, or a programming error: in both cases the other requests are carried out.
      for (const step of undo.toReversed()) step();
      return { error };
    }
  }

  /** One net change for each instance that is not as it was; one that was registered and removed in the batch has none. */
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

  /** @returns how to undo it; the last step must be undone first */
  private apply(decision: Decision & { kind: 'changed' }, origin: CallOrigin): () => void {
    const { before, after } = decision;
    const subject = (after ?? before!).instance;
    const isFirst = !this.touched.has(subject.id);
    this.touched.add(subject.id);
    const draft = draftOf(decision, origin);
    const states = { before: stateText(draft.before), after: stateText(draft.after) };
    const bytes = states.before.length + states.after.length;
    this.append(draft, states);
    this.put(subject, after);
    this.bytes += bytes;
    return () => {
      this.bytes -= bytes;
      this.put(subject, before);
      this.events.pop();
      this.eventTexts.pop();
      if (isFirst) this.touched.delete(subject.id);
    };
  }

  private add(event: SystemEvent, origin: CallOrigin): void {
    const draft = systemEvent(event, origin);
    this.append(draft, { before: canonicalJson(draft.before), after: canonicalJson(draft.after) });
    this.systemEvents.push(event);
  }

  private append(draft: EventDraft, states: StateTexts): void {
    const position = {
      revision: this.nextRevision,
      at: this.head.now,
      batchId: this.batchId,
      previousHash: this.events.at(-1)?.hash ?? this.head.hash,
    };
    const { event, text } = writeEvent(draft, position, states);
    this.events.push(event);
    this.eventTexts.push(text);
  }

  /** Sets the state of a subject, by its id and its name; undefined: it no longer exists. */
  private put(subject: InstanceRecord, leased: LeasedInstance | undefined): void {
    this.current.set(subject.id, leased);
    if (leased) this.idByIdentity.set(identityKey(subject), subject.id);
    else this.idByIdentity.delete(identityKey(subject));
  }
}

/** The services of events, each with its last revision; some events have no service. */
export function touchesOf(events: readonly LogEvent[]): ServiceTouch[] {
  const last = new Map<string, ServiceTouch>();
  for (const { namespace, service, revision } of events) {
    if (namespace !== null && service !== null) last.set(`${namespace}/${service}`, { namespace, service, revision });
  }
  return [...last.values()];
}

/** The canonical JSON of an instance before or after its change. */
const stateText = (state: StoredRecord | null): string => (state ? canonicalRecord(state) : 'null');

/** The part of an origin that the log keeps; keys are not logged. */
const loggedOf = ({ actor, clientAddress, requestId, source, reason }: CallOrigin) => ({
  actor,
  clientAddress,
  requestId,
  source,
  reason,
});

type InstanceDraft = EventDraft & { readonly [State in 'before' | 'after']: StoredRecord | null };

function draftOf(decision: Decision & { kind: 'changed' }, origin: CallOrigin): InstanceDraft {
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

/** The lease after a sign of life, which is recorded outside the log a moment later. */
function afterSign(lease: Lease, sign: LeaseEffect, clock: string): Lease {
  if (sign === 'none') return lease;
  return { renewedAt: clock, checkedAt: sign === 'report' ? clock : lease.checkedAt };
}
