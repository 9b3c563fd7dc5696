import { type LogEvent } from '@coordination/log';
import { FIRST_PREVIOUS_HASH, hashEvent } from '@coordination/log/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type InstanceRecord,
  type LeasedInstance,
  normalizeRecord,
  type StoredRecord,
  toStored,
} from '@coordination/catalog';
import { TermEndedError } from '@coordination/leadership';
import { frozen, someCommand, someFound } from '../../../../test/support/laws/arbitraries.js';
import {
  aLeasedInstance,
  anIdentity,
  anOrigin,
  aSpec,
  NOW,
  registerCommand,
} from '../../../../test/support/catalog/factories.js';
import { LOCKED_HEAD } from '../../../../test/support/catalog/locked-head.js';
import { type Command } from '../domain/commands.js';
import { type BatchLimits, type BatchPlan } from './batch-plan.js';
import { planBatch } from './plan-batch.js';
import { touchesOf } from './planned-events.js';
import { type SystemEvent, type WriteRequest } from '../requests/write-request.js';

const BATCH_ID = '01890000-0000-7000-8000-00000000000b';
const UNLIMITED: BatchLimits = { maxChanges: Infinity, maxBytes: Infinity };

const request = (...commands: Command[]): WriteRequest => ({ commands, origin: anOrigin() });

const plan = (requests: readonly WriteRequest[], found: readonly LeasedInstance[] = [], limits = UNLIMITED) =>
  planBatch(frozen({ head: LOCKED_HEAD, batchId: BATCH_ID, requests, found, limits }));

const identity = anIdentity();
const deregister = (instanceId = identity.instanceId): Command => ({
  kind: 'deregister',
  target: { identity: anIdentity({ instanceId }) },
});

const outcomesOf = ({ outcomes }: BatchPlan) =>
  outcomes.map(outcome =>
    'results' in outcome
      ? outcome.results.map(result => result.outcome).join('+')
      : 'error' in outcome
        ? (outcome.error as { code?: string }).code
        : 'recalled',
  );

/** A request of several registrations of instances of their own. */
const registrations = (names: readonly string[], metadata = {}): WriteRequest =>
  request(
    ...names.map(instanceId => registerCommand({ identity: anIdentity({ instanceId }), spec: aSpec({ metadata }) })),
  );

describe('An event of the plan', () => {
  it('says who, what, when and where in the log', () => {
    const current = aLeasedInstance({ version: 4 });
    const origin = anOrigin({ actor: 'ada', clientAddress: null, requestId: 'r-9', source: 'consul', reason: 'why' });
    const command = registerCommand({ spec: aSpec({ port: 81 }) });
    const { events } = plan([{ commands: [command], origin }], [current]);
    expect(events).toEqual([
      {
        revision: 11,
        at: NOW,
        action: 'instance.updated',
        ...identity,
        instanceUuid: current.instance.id,
        actor: 'ada',
        clientAddress: null,
        requestId: 'r-9',
        source: 'consul',
        reason: 'why',
        batchId: BATCH_ID,
        version: 5,
        before: toStored(current.instance),
        after: expect.objectContaining({ port: 81, version: 5, revision: 11 }),
        hashVersion: 1,
        previousHash: LOCKED_HEAD.hash,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  });

  it.each([
    ['the request', 'of the request', 'of the override', 'of the request'],
    ['the override, where the request gives none', null, 'of the override', 'of the override'],
    ['the request alone', 'of the request', null, 'of the request'],
    ['nobody', null, null, null],
  ])('of an override has the reason of %s', (_whose, asked, stated, reason) => {
    const current = aLeasedInstance();
    const command = {
      kind: 'set-override',
      target: { id: current.instance.id },
      status: 'maintenance',
      reason: stated,
      until: null,
    } as const;
    const [event] = plan([{ commands: [command], origin: anOrigin({ reason: asked }) }], [current]).events;
    expect(event).toMatchObject({ action: 'instance.override_set', reason, after: { override: { reason: stated } } });
  });

  it('of a deregistration has the next version, and nothing after', () => {
    const { events } = plan([request(deregister())], [aLeasedInstance({ version: 4 })]);
    expect(events).toMatchObject([{ action: 'instance.deregistered', version: 5, after: null }]);
  });
});

describe('Several commands on one instance', () => {
  it('make one net change and an event each', () => {
    const current = aLeasedInstance();
    const { changes, events } = plan(
      [81, 82, 83].map(port => request(registerCommand({ spec: aSpec({ port }) }))),
      [current],
    );
    expect(events.map(event => event.version)).toEqual([2, 3, 4]);
    expect(changes).toHaveLength(1);
    expect(changes[0]!.before).toBe(current);
    expect(changes[0]!.after!.instance).toMatchObject({ port: 83, version: 4, revision: 13 });
  });

  it('that make it come and go need no change of the table', () => {
    const { changes, events, touches } = plan([request(registerCommand()), request(deregister())]);
    expect(events.map(event => event.action)).toEqual(['instance.registered', 'instance.deregistered']);
    expect(changes).toEqual([]);
    expect(touches).toEqual([{ namespace: 'default', service: 'orders', revision: 12 }]);
  });

  it('that make it go and come give it another id and version 1', () => {
    const current = aLeasedInstance({ version: 4 });
    const { changes, outcomes } = plan([request(deregister()), request(registerCommand({ id: BATCH_ID }))], [current]);
    expect(outcomes).toMatchObject([
      { results: [{ outcome: 'deregistered' }] },
      { results: [{ outcome: 'created', leased: { instance: { id: BATCH_ID, version: 1 } } }] },
    ]);
    expect(changes).toEqual([
      { before: current, after: undefined },
      { before: undefined, after: expect.objectContaining({ instance: expect.objectContaining({ id: BATCH_ID }) }) },
    ]);
  });

  it('find it by id and by name, and no longer when it went', () => {
    const current = aLeasedInstance();
    const target = { id: current.instance.id };
    const requests = [{ target }, { target: { identity } }].map(by => request({ kind: 'deregister', ...by }));
    expect(outcomesOf(plan(requests, [current]))).toEqual(['deregistered', 'INSTANCE_NOT_FOUND']);
    expect(outcomesOf(plan(requests.toReversed(), [current]))).toEqual(['deregistered', 'INSTANCE_NOT_FOUND']);
  });

  it('find by id what was registered a moment ago', () => {
    const command = registerCommand();
    const report: Command = {
      kind: 'report-health',
      target: { id: command.id },
      report: { healthy: false, output: '' },
    };
    expect(outcomesOf(plan([request(command), request(report)]))).toEqual(['created', 'updated']);
  });

  it('with the same If-Match: the first one wins', () => {
    const writes = [81, 82].map(port => request(registerCommand({ spec: aSpec({ port }), ifMatch: [1] })));
    expect(outcomesOf(plan(writes, [aLeasedInstance()]))).toEqual(['updated', 'VERSION_MISMATCH']);
  });
});

describe('A sign of life of an instance that stays as it is', () => {
  const current = aLeasedInstance();
  const target = { id: current.instance.id };
  const leaseAfter = (command: Command) => {
    const [outcome] = plan([request(command)], [current]).outcomes;
    return outcome && 'results' in outcome ? outcome.results[0]?.leased?.lease : outcome;
  };

  it('is in the answer, since it will be noted', () => {
    expect(leaseAfter({ kind: 'heartbeat', target })).toEqual({ renewedAt: NOW, checkedAt: null });
    const report = { healthy: true, output: '' };
    expect(leaseAfter({ kind: 'report-health', target, report })).toEqual({ renewedAt: NOW, checkedAt: NOW });
    expect(leaseAfter({ kind: 'patch', target, patch: {} })).toEqual(current.lease);
  });
});

describe('A request of several commands', () => {
  it('is undone as a whole when one of them is rejected, and its neighbours stay', () => {
    const current = aLeasedInstance({ instanceId: 'c' });
    const bad = request(
      ...registrations(['a', 'b']).commands,
      deregister('c'),
      registerCommand({ identity: anIdentity({ instanceId: 'c' }) }),
      deregister('nobody'),
    );
    const batch = plan([registrations(['x']), bad, registrations(['a'])], [current]);
    expect(outcomesOf(batch)).toEqual(['created', 'INSTANCE_NOT_FOUND', 'created']);
    expect(batch.events.map(event => [event.revision, event.instanceId])).toEqual([
      [11, 'x'],
      [12, 'a'],
    ]);
    expect(batch.changes).toHaveLength(2);
  });

  it('after which something is as it was lets the next ones find it', () => {
    const current = aLeasedInstance();
    const bad = request(deregister(), registerCommand(), deregister('nobody'));
    expect(outcomesOf(plan([bad, request(deregister())], [current]))).toEqual(['INSTANCE_NOT_FOUND', 'deregistered']);
    const never = request(registerCommand(), deregister('nobody'));
    expect(outcomesOf(plan([never, request(deregister())]))).toEqual(['INSTANCE_NOT_FOUND', 'INSTANCE_NOT_FOUND']);
  });

  it('that meets a mistake of ours fails alone', () => {
    const broken = registerCommand({ spec: aSpec({ metadata: { huge: 1n as unknown as number } }) });
    const batch = plan([registrations(['a']), request(...registrations(['b']).commands, broken), registrations(['c'])]);
    expect(batch.outcomes[1]).toEqual({ error: expect.any(TypeError) });
    expect(batch.events.map(event => event.instanceId)).toEqual(['a', 'c']);
  });

  it('that asks for nothing is answered with nothing', () => {
    const batch = plan([request(), request(deregister())]);
    expect(batch.outcomes).toEqual([{ results: [] }, { error: expect.any(Error) }]);
    expect(batch.events).toEqual([]);
  });
});

describe('The limits', () => {
  const three = ['a', 'b', 'c'].map(name => registrations([name]));

  it('end a batch at so many changes', () => {
    const { outcomes, events } = plan(three, [], { maxChanges: 2, maxBytes: Infinity });
    expect([outcomes.length, events.length]).toEqual([2, 2]);
  });

  it('never split a request', () => {
    const requests = [registrations(['a', 'b', 'c', 'd']), registrations(['e'])];
    const { outcomes, events } = plan(requests, [], { maxChanges: 2, maxBytes: 1 });
    expect([outcomes.length, events.length]).toEqual([1, 4]);
  });

  it('count the bytes before and after', () => {
    const text = 'x'.repeat(10_000);
    const big = ['a', 'b', 'c'].map(name => registrations([name], { text }));
    const taken = (maxBytes: number, found: readonly LeasedInstance[] = []) =>
      plan(big, found, { maxChanges: Infinity, maxBytes }).outcomes.length;
    expect(taken(10_000)).toBe(1);
    expect(taken(20_000)).toBe(2);
    expect(taken(40_000)).toBe(3);
    const before = big.map((_, n) => aLeasedInstance({ instanceId: 'abc'[n], metadata: { text: `${text}${n}` } }));
    expect(taken(20_000, before), 'the images before count too').toBe(1);
  });

  it('are not used up by what changes nothing, or was undone', () => {
    const found = ['a', 'b'].map(instanceId => aLeasedInstance({ instanceId, metadata: {} }));
    const undone = request(...registrations(['x', 'y', 'z']).commands, deregister('nobody'));
    const requests = [registrations(['a']), undone, registrations(['b']), ...three];
    const batch = plan(requests, found, { maxChanges: 1, maxBytes: 1 });
    expect(outcomesOf(batch)).toEqual([
      'unchanged',
      'INSTANCE_NOT_FOUND',
      'unchanged',
      'unchanged',
      'unchanged',
      'created',
    ]);
  });
});

/** The instances that the events leave of what was found. */
const UNCHANGING: ReadonlySet<string> = new Set(['unchanged', 'absent', 'ended']);

const fold = (found: readonly LeasedInstance[], events: readonly LogEvent[]) => {
  const state = new Map<string, InstanceRecord>(found.map(({ instance }) => [instance.id, instance]));
  for (const { instanceUuid, before, after } of events) {
    const known = state.get(instanceUuid!);
    expect(before, 'before is what the events so far made of it').toEqual(known ? toStored(known) : null);
    if (after) state.set(instanceUuid!, normalizeRecord(after as StoredRecord));
    else state.delete(instanceUuid!);
  }
  return state;
};

describe('The services that were touched', () => {
  it('are none of an event that is not about an instance', () => {
    const [event] = plan([registrations(['a'])]).events;
    expect(touchesOf([event!, { ...event!, revision: 12, namespace: null, service: null }])).toEqual([
      { namespace: 'default', service: 'orders', revision: 11 },
    ]);
  });
});

describe('Every plan', () => {
  const someRequests = fc.array(
    fc.array(someCommand, { minLength: 1, maxLength: 4 }).map(commands => request(...commands)),
    { maxLength: 12 },
  );
  it('continues the log without a gap, in one chain, at one time, in one batch', () => {
    fc.assert(
      fc.property(someRequests, someFound, (requests, found) => {
        const { events } = plan(requests, found);
        for (const [n, event] of events.entries()) {
          expect(event).toMatchObject({ revision: LOCKED_HEAD.revision + n + 1, at: NOW, batchId: BATCH_ID });
          expect(event.previousHash).toBe(events[n - 1]?.hash ?? LOCKED_HEAD.hash);
          expect(event.hash).toBe(hashEvent(event));
        }
      }),
    );
  });

  it('changes the table exactly as its events say', () => {
    fc.assert(
      fc.property(someRequests, someFound, (requests, found) => {
        const { events, changes } = plan(requests, found);
        const original = new Map(found.map(leased => [leased.instance.id, leased]));
        const state = new Map(found.map(({ instance }) => [instance.id, instance]));
        for (const { before, after } of changes) {
          const { id } = (after ?? before)!.instance;
          expect(before, 'what the table has is what was found').toBe(original.get(id));
          expect(before === undefined && after === undefined).toBe(false);
          if (after) state.set(id, after.instance);
          else state.delete(id);
        }
        expect(state).toEqual(fold(found, events));
        expect(new Set(changes.map(({ before, after }) => (after ?? before)!.instance.id)).size).toBe(changes.length);
      }),
      { numRuns: 300 },
    );
  });

  it('touches each service of its events once, at the last of them', () => {
    fc.assert(
      fc.property(someRequests, someFound, (requests, found) => {
        const { events, touches } = plan(requests, found);
        const last = new Map(events.map(({ namespace, service, revision }) => [`${namespace}/${service}`, revision]));
        expect(new Map(touches.map(touch => [`${touch.namespace}/${touch.service}`, touch.revision]))).toEqual(last);
        expect(touches).toHaveLength(last.size);
      }),
    );
  });

  it('answers every request: with one result for each command, or an error', () => {
    fc.assert(
      fc.property(someRequests, someFound, (requests, found) => {
        const { outcomes, events } = plan(requests, found);
        expect(outcomes).toHaveLength(requests.length);
        let changed = 0;
        for (const [n, outcome] of outcomes.entries()) {
          if (!('results' in outcome)) continue;
          expect(outcome.results).toHaveLength(requests[n]!.commands.length);
          changed += outcome.results.filter(({ outcome }) => !UNCHANGING.has(outcome)).length;
        }
        expect(events, 'one event per change').toHaveLength(changed);
      }),
    );
  });

  it('is the same without the requests that were rejected', () => {
    fc.assert(
      fc.property(someRequests, someFound, (requests, found) => {
        const whole = plan(requests, found);
        const accepted = requests.filter((_, n) => !('error' in whole.outcomes[n]!));
        const without = plan(accepted, found);
        expect(without.events).toEqual(whole.events);
        expect(without.changes).toEqual(whole.changes);
        expect(without.touches).toEqual(whole.touches);
        expect(without.outcomes).toEqual(whole.outcomes.filter(outcome => !('error' in outcome)));
      }),
      { numRuns: 300 },
    );
  });

  it('within limits is the beginning of the one without', () => {
    const someLimits = fc.record({
      maxChanges: fc.integer({ min: 1, max: 9 }),
      maxBytes: fc.integer({ min: 1, max: 9_000 }),
    });
    fc.assert(
      fc.property(someRequests, someFound, someLimits, (requests, found, limits) => {
        const whole = plan(requests, found);
        const part = plan(requests, found, limits);
        expect(part.outcomes).toEqual(whole.outcomes.slice(0, part.outcomes.length));
        expect(part.events).toEqual(whole.events.slice(0, part.events.length));
        if (requests.length > 0) expect(part.outcomes.length).toBeGreaterThan(0);
        const next = plan(requests.slice(0, Math.max(1, part.outcomes.length)), found);
        expect(next.events, 'no more than what was taken').toEqual(part.events);
      }),
    );
  });

  it('on an empty log begins the chain', () => {
    const head = { ...LOCKED_HEAD, revision: 0, hash: FIRST_PREVIOUS_HASH };
    const requests = [registrations(['a'])];
    const { events } = planBatch({ head, batchId: BATCH_ID, requests, found: [], limits: UNLIMITED });
    expect(events).toMatchObject([{ revision: 1, previousHash: FIRST_PREVIOUS_HASH }]);
  });
});

describe('A request in a role', () => {
  const term = { role: 'sweeper', holder: 'a', term: 3 };

  it('is refused when the term is over, and no other one with it', () => {
    const [mine, other] = [registrations(['a']), registrations(['b'])];
    const { outcomes, events } = planBatch({
      head: LOCKED_HEAD,
      batchId: BATCH_ID,
      requests: [{ ...mine, term }, other, { ...mine, term: { ...term, term: 4 } }],
      found: [],
      endedTerms: new Set([term]),
      limits: UNLIMITED,
    });
    expect(outcomes[0]).toEqual({ error: new TermEndedError(term) });
    expect(outcomes.slice(1).every(outcome => 'results' in outcome)).toBe(true);
    expect(events).toHaveLength(2);
  });

  it('is carried out as long as it lasts', () => {
    expect(outcomesOf(plan([{ ...registrations(['a']), term }]))).toEqual(['created']);
  });
});

describe('A system event', () => {
  const systemEvent: SystemEvent = {
    action: 'liveness.guard_forced',
    before: null,
    after: { scope: { kind: 'all' } },
    write: async () => undefined,
  };

  it('is an event of its own that speaks of no instance, after those of its request', () => {
    const origin = anOrigin({ actor: 'ada', reason: 'migration' });
    const { events, systemEvents, outcomes, touches } = plan([
      { ...registrations(['a']), systemEvent },
      { commands: [], origin, systemEvent },
    ]);
    expect(events.map(({ revision, action }) => [revision, action])).toEqual([
      [11, 'instance.registered'],
      [12, 'liveness.guard_forced'],
      [13, 'liveness.guard_forced'],
    ]);
    expect(events[2]).toMatchObject({
      actor: 'ada',
      reason: 'migration',
      namespace: null,
      service: null,
      instanceUuid: null,
      version: null,
      before: null,
      after: { scope: { kind: 'all' } },
      previousHash: events[1]!.hash,
    });
    expect(hashEvent(events[2]!)).toBe(events[2]!.hash);
    expect(systemEvents).toEqual([systemEvent, systemEvent]);
    expect(outcomes[1]).toEqual({ results: [] });
    expect(touches).toHaveLength(1);
  });

  it('that must be alone is the only one of its batch; what is before or after it belongs into another one', () => {
    const alone = { commands: [], origin: anOrigin(), systemEvent: { ...systemEvent, isAlone: true } };
    const other = registrations(['a']);
    expect(plan([other, alone, other]).outcomes).toHaveLength(1);
    const { outcomes, events } = plan([alone, alone, other]);
    expect(outcomes).toEqual([{ results: [] }]);
    expect(events.map(({ revision, action }) => [revision, action])).toEqual([[11, 'liveness.guard_forced']]);
  });

  it('does not happen when its request is refused', () => {
    const { events, systemEvents } = plan([{ ...request(deregister('nobody')), systemEvent }]);
    expect({ events, systemEvents }).toEqual({ events: [], systemEvents: [] });
  });
});

describe('A lease that is over', () => {
  const allowance = { flushBoundMs: 1_000, recoveringSince: null, maxGraceMs: 600_000, stalls: [] };
  const expire = (id: string): Command => ({ kind: 'expire', target: { id }, whenAbsent: 'ignore', allowance });

  it('is not when a heartbeat came before it in the same batch', () => {
    const current = aLeasedInstance({
      health: { state: 'starting', failures: 0, output: '', decidedBy: 'registration', since: NOW },
    });
    const { id } = current.instance;
    const heartbeat: Command = { kind: 'heartbeat', target: { id } };
    const { events } = plan([request(heartbeat), request(expire(id))], [current]);
    expect(events.map(({ after }) => (after as InstanceRecord).status)).toEqual(['healthy']);
  });

  it('is told with its own reason, judged by the clock of the database', () => {
    const current = aLeasedInstance();
    const { id } = current.instance;
    const input = {
      head: LOCKED_HEAD,
      batchId: BATCH_ID,
      requests: [request(expire(id))],
      found: [current],
      limits: UNLIMITED,
    };
    expect(planBatch(frozen({ ...input, head: { ...LOCKED_HEAD, clock: current.lease.renewedAt } })).events).toEqual(
      [],
    );
    expect(planBatch(frozen(input)).events).toMatchObject([
      { action: 'instance.health_changed', reason: expect.stringMatching(/^the lease of 30 s ended/) as string },
    ]);
  });
});
