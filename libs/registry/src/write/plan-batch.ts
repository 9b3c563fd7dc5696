import { identityKey, type InstanceRecord, type LeasedInstance } from '@coordination/catalog';
import { type CallOrigin } from '@coordination/context';
import { canonicalJson, newId } from '@coordination/kernel';
import { TermEndedError } from '@coordination/leadership';
import {
  type EventDraft,
  type LockedHead,
  type LogEvent,
  type StateTexts,
  systemEvent,
  writeEvent,
} from '@coordination/log';
import { inSlices, Scheduler } from '@coordination/scheduling';
import { Inject, Injectable } from '@nestjs/common';
import { type Command, type Target, targetOf } from '../domain/commands.js';
import { decide } from '../domain/decide.js';
import { type Decision } from '../domain/decision.js';
import { FirstAnswers } from '../idempotency/first-answers.js';
import { type DecidedOutcome, type RequestOutcome } from '../idempotency/request-outcome.js';
import { type CommandResult, type SystemEvent, type WriteRequest } from '../requests/write-request.js';
import { type InstanceChange } from '../store/instance-change.js';
import { changeText } from '../store/service-instance.repository.js';
import { type BatchInput, type BatchLimits, type BatchPlan, type PlacedPlan, type PlanTexts } from './batch-plan.js';
import { draftOf, resultOf, stateText, touchesOf } from './planned-events.js';
import { batchLimits, writeSettings, type WriteSettings } from './write-settings.js';

/**
 * Plans of large batches are made in slices of the most urgent class: while they are made, the head of the log is locked or the
 * plan is getting out of date, and the ends of leases wait for it like all other writes.
 */
const OWNER = { workClass: 'liveness' } as const;

/**
 * How long (ms) a plan is made at once, before it goes on in slices: enough for a full batch of small changes, because the database
 * does nothing for this node meanwhile. With pauses from the start, batches of new registrations were slower by up to a third on
 * a busy machine; with 16 ms, three paired rounds of measurements found no difference to plans without pauses.
 */
const FIRST_SLICE_MS = 16;

/** Decides batches, and makes the texts that the database gets: at once, or in slices when that takes long. */
@Injectable()
export class BatchPlanner {
  constructor(
    private readonly scheduler: Scheduler,
    @Inject(writeSettings) private readonly settings: WriteSettings,
  ) {}

  async plan(input: Omit<BatchInput, 'batchId' | 'limits'>): Promise<PlacedPlan> {
    const batchId = newId();
    const steps = placingSteps({ ...input, batchId, limits: batchLimits(this.settings) });
    return await inSlices(this.scheduler, OWNER, steps, FIRST_SLICE_MS);
  }
}

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
function* planningSteps(input: BatchInput): Generator<void, BatchPlan, void> {
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

function* placingSteps(input: BatchInput): Generator<void, PlacedPlan, void> {
  const plan = yield* planningSteps(input);
  const texts = yield* textSteps(plan);
  return { head: input.head, batchId: input.batchId, plan, texts };
}

function* textSteps({ changes, touches, eventTexts }: BatchPlan): Generator<void, PlanTexts, void> {
  const changeTexts: string[] = [];
  for (const change of changes) {
    changeTexts.push(changeText(change));
    yield;
  }
  return { changes: arrayOf(changeTexts), touches: JSON.stringify(touches), events: arrayOf(eventTexts) };
}

const arrayOf = (texts: readonly string[]): string => `[${texts.join(',')}]`;

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
