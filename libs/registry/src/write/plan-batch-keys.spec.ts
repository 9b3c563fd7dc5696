import { type CallOrigin } from '@coordination/context';
import { QueueFullError, ValidationFailedError } from '@coordination/kernel';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LeasedInstance, normalizeRecord, type StoredRecord } from '@coordination/catalog';
import { frozen, someCommand, someFound } from '../../../../test/support/laws/arbitraries.js';
import {
  aLeasedInstance,
  anOrigin,
  aRepeatableCall,
  NOW,
  registerCommand,
} from '../../../../test/support/catalog/factories.js';
import { LOCKED_HEAD } from '../../../../test/support/catalog/locked-head.js';
import { type Command } from '../domain/commands.js';
import { type UsedKey } from '../idempotency/first-answers.js';
import { recalledResults, revisionsOf, storedRejection } from '../idempotency/stored-answer.js';
import { planBatch } from './plan-batch.js';
import { requestKeyOf } from '../requests/request-key.js';
import { type QueuedRequest } from '../requests/write-request.js';

const limits = { maxChanges: Infinity, maxBytes: Infinity };

const queued = (commands: readonly Command[], origin: CallOrigin): QueuedRequest => ({
  commands,
  origin,
  key: requestKeyOf(origin),
});

const request = (key: string | undefined, commands: readonly Command[], text = key): QueuedRequest =>
  queued(commands, anOrigin(key === undefined ? {} : { repeatable: aRepeatableCall(key, text) }));

const plan = (
  requests: readonly QueuedRequest[],
  found: readonly LeasedInstance[] = [],
  known: readonly UsedKey[] = [],
) => planBatch(frozen({ head: LOCKED_HEAD, batchId: LOCKED_HEAD.epoch, requests, found, usedKeys: known, limits }));

const current = aLeasedInstance();
const report = (output = ''): Command => ({
  kind: 'report-health',
  target: { id: current.instance.id },
  report: { healthy: false, output },
});
const stranger: Command = { kind: 'deregister', target: { id: LOCKED_HEAD.epoch } };

const usedKey = (key: string, differing: Partial<UsedKey> = {}): UsedKey => ({
  ...aRepeatableCall(key),
  actor: 'anonymous',
  answer: { results: [] },
  revision: 3,
  epoch: LOCKED_HEAD.epoch,
  ageMs: 60_000,
  ...differing,
});

describe('Requests of one batch under one key', () => {
  it('have one effect, and all get its answer', () => {
    const { events, outcomes, answers } = plan(
      [1, 2, 3].map(() => request('k', [report()])),
      [current],
    );
    expect(events).toHaveLength(1);
    const [first, ...others] = outcomes;
    expect(first).not.toHaveProperty('isRepeated');
    expect(others).toEqual([1, 2].map(() => ({ ...first, isRepeated: true })));
    expect(answers).toHaveLength(1);
  });

  it('of which one is another request: that has no effect, and the others get the answer', () => {
    const requests = [
      request('k', [report('a')], 'a'),
      request('k', [report('b')], 'b'),
      request('k', [report()], 'a'),
    ];
    const { events, outcomes } = plan(requests, [current]);
    expect(events).toMatchObject([{ after: { health: { output: 'a' } } }]);
    expect(outcomes).toMatchObject([
      { results: [{ outcome: 'updated' }] },
      { error: { code: 'IDEMPOTENCY_MISMATCH' } },
      { results: [{ outcome: 'updated' }], isRepeated: true },
    ]);
  });

  it('of several actors are each their own', () => {
    const requests = ['ada', 'bob'].map(actor =>
      queued([report()], anOrigin({ actor, repeatable: aRepeatableCall('k') })),
    );
    const { events, answers } = plan(requests, [current]);
    expect(events.map(event => event.actor)).toEqual(['ada', 'bob']);
    expect(answers.map(({ actor }) => actor)).toEqual(['ada', 'bob']);
  });

  it('that are rejected by what is there get the same rejection, also when it would be another one by now', () => {
    const register = registerCommand({ id: LOCKED_HEAD.epoch });
    const { outcomes, answers } = plan([
      request('k', [stranger]),
      request(undefined, [register]),
      request('k', [stranger]),
    ]);
    expect(outcomes).toMatchObject([
      { error: { code: 'INSTANCE_NOT_FOUND' } },
      { results: [{ outcome: 'created' }] },
      { error: { code: 'INSTANCE_NOT_FOUND' }, isRepeated: true },
    ]);
    expect(answers).toMatchObject([{ key: 'k', answer: { rejection: { code: 'INSTANCE_NOT_FOUND' } } }]);
  });

  it('that are bad requests are not kept: whoever corrects one can keep the key', () => {
    const { id } = current.instance;
    const bad: Command = { kind: 'patch', target: { id }, patch: { weight: -1 } };
    const good: Command = { kind: 'patch', target: { id }, patch: { weight: 1 } };
    const { outcomes, answers } = plan([request('k', [bad], 'bad'), request('k', [good], 'good')], [current]);
    expect(outcomes).toMatchObject([{ error: { code: 'VALIDATION_FAILED' } }, { results: [{ outcome: 'updated' }] }]);
    expect(answers).toMatchObject([aKeyOf('good')]);
  });

  it('that meet a mistake of ours are not kept', () => {
    const broken = registerCommand({ spec: { ...current.instance, metadata: { huge: 1n as unknown as number } } });
    const { outcomes, answers } = plan([request('k', [broken]), request('k', [broken])]);
    expect(outcomes).toEqual([{ error: expect.any(TypeError) }, { error: expect.any(TypeError) }]);
    expect(answers).toEqual([]);
  });
});

const aKeyOf = (text: string) => ({ fingerprint: aRepeatableCall('k', text).fingerprint });

describe('A request under a key that is known', () => {
  it('has no effect and is answered as before', () => {
    const { events, changes, outcomes, answers } = plan([request('k', [report()])], [current], [usedKey('k')]);
    expect([events, changes, answers]).toEqual([[], [], []]);
    expect(outcomes).toMatchObject([{ recalled: { revision: 3, ageMs: 60_000, answer: { results: [] } } }]);
  });

  it('of another request has no effect and is refused', () => {
    const other = usedKey('k', { ...aRepeatableCall('k', 'other'), answer: null });
    const { events, outcomes, answers } = plan([request('k', [report()])], [current], [other]);
    expect([events, answers]).toEqual([[], []]);
    expect(outcomes).toMatchObject([{ error: { code: 'IDEMPOTENCY_MISMATCH' } }]);
  });

  it('of another actor is none of its business', () => {
    const { events } = plan([request('k', [report()])], [current], [usedKey('k', { actor: 'ada' })]);
    expect(events).toHaveLength(1);
  });
});

describe('The log', () => {
  it('keeps no key, neither of changes nor of what else happened', () => {
    const systemEvent = {
      action: 'liveness.guard_ended',
      before: null,
      after: {},
      write: () => Promise.resolve(),
    } as const;
    const { events } = plan([request('k', [report()]), { ...request('l', []), systemEvent }], [current]);
    expect(events).toHaveLength(2);
    for (const event of events) expect(event).not.toHaveProperty('repeatable');
  });
});

describe('The note of a request', () => {
  it('comes back with its results, and with those of its repetitions', () => {
    const requests = [1, 2].map(others => ({ ...request('k', [report()]), note: { others } }));
    const { outcomes, answers } = plan(requests, [current]);
    expect(outcomes).toMatchObject([{ note: { others: 1 } }, { note: { others: 1 }, isRepeated: true }]);
    const { answer } = answers[0]!;
    expect(recalledResults(answer, () => current.instance)).toMatchObject({ note: { others: 1 } });
  });
});

describe('What is kept', () => {
  it('is not the instance but where the log has it, and its lease', () => {
    const { answers } = plan([request('k', [report(), { ...stranger, whenAbsent: 'ignore' }])], [current]);
    expect(answers).toEqual([
      {
        actor: 'anonymous',
        key: 'k',
        fingerprint: aRepeatableCall('k').fingerprint,
        answer: {
          results: [
            {
              outcome: 'updated',
              lifeSign: 'none',
              instance: { revision: 11, lease: { renewedAt: NOW, checkedAt: NOW } },
            },
            { outcome: 'absent', lifeSign: 'none' },
          ],
        },
      },
    ]);
  });

  it('is no failure of ours, and nothing that is to be tried again or corrected', () => {
    expect(storedRejection(new Error('bug'))).toBeUndefined();
    expect(storedRejection(new ValidationFailedError([]))).toBeUndefined();
    expect(storedRejection(new QueueFullError(1))).toBeUndefined();
  });
});

describe('Every batch', () => {
  const someKeyed = fc.array(
    fc
      .record({
        key: fc.constantFrom(undefined, 'a', 'b', 'c'),
        commands: fc.array(someCommand, { minLength: 1, maxLength: 3 }),
        text: fc.constantFrom('x', 'y'),
      })
      .map(({ key, commands, text }) => request(key, commands, text)),
    { maxLength: 12 },
  );

  it('does what it would do without the repetitions and the strangers under used keys', () => {
    fc.assert(
      fc.property(someKeyed, someFound, (requests, found) => {
        const whole = plan(requests, found);
        const isFirst = (n: number) => {
          const outcome = whole.outcomes[n]!;
          if ('recalled' in outcome || outcome.isRepeated) return false;
          return !('error' in outcome) || (outcome.error as { code?: string }).code !== 'IDEMPOTENCY_MISMATCH';
        };
        const without = plan(
          requests.filter((_, n) => isFirst(n)),
          found,
        );
        expect(without.events).toEqual(whole.events);
        expect(without.changes).toEqual(whole.changes);
        expect(without.answers).toEqual(whole.answers);
      }),
      { numRuns: 300 },
    );
  });

  it('that comes again as a whole changes nothing of what had a key, and answers it alike', () => {
    fc.assert(
      fc.property(someKeyed, someFound, (requests, found) => {
        const first = plan(requests, found);
        const known = first.answers.map(answer => ({ ...answer, revision: 99, epoch: LOCKED_HEAD.epoch, ageMs: 5 }));
        const keyed = requests.filter(
          ({ origin }) => origin.repeatable && known.some(k => k.key === origin.repeatable!.key),
        );
        const again = plan(keyed, found, known);
        expect([again.events, again.changes, again.answers]).toEqual([[], [], []]);
        for (const outcome of again.outcomes)
          expect(Object.keys(outcome)).toEqual(['recalled' in outcome ? 'recalled' : 'error']);
      }),
    );
  });

  it('can be told again from the log alone', () => {
    fc.assert(
      fc.property(someKeyed, someFound, (requests, found) => {
        const { events, outcomes, answers } = plan(requests, found);
        const records = new Map(found.map(({ instance }) => [instance.revision, instance] as const));
        // As in the log, where each revision is that of one instance only.
        if (records.size < found.length) return;
        for (const { revision, after } of events) {
          if (after) records.set(revision, normalizeRecord(after as StoredRecord));
        }
        const firsts = outcomes.filter(
          (outcome, n) => requests[n]!.origin.repeatable && 'results' in outcome && !outcome.isRepeated,
        );
        const kept = answers.map(({ answer }) => JSON.parse(JSON.stringify(answer)) as typeof answer);
        const told = kept
          .filter(answer => 'results' in answer)
          .map(answer => recalledResults(answer, revision => records.get(revision)!));
        expect(told).toEqual(firsts);
        for (const answer of kept) for (const revision of revisionsOf(answer)) expect(records.has(revision)).toBe(true);
      }),
    );
  });
});
