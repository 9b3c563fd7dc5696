import { describe, expect, it } from 'vitest';
import { seeded } from '../../http/mixed-load.js';
import { checkLinearizable } from './check.js';
import { checkEachKey } from './report.js';
import {
  SERVICE_MODEL,
  type ServiceInput,
  type ServiceOperation,
  type ServiceOutput,
  type Told,
  withUnseenTokensAlike,
} from './service-model.js';

const op = (
  calledAt: number,
  returnedAt: number,
  client: string,
  input: ServiceInput,
  output?: ServiceOutput,
): ServiceOperation => ({ client, input, output, calledAt, returnedAt: output === undefined ? Infinity : returnedAt });

const told = (version: number, token: string, id = 'id-1', instanceId = 'a'): Told => ({
  instanceId,
  id,
  version,
  token,
});
const register = (token: string, conditions: object = {}): ServiceInput => ({
  kind: 'register',
  instanceId: 'a',
  token,
  ...conditions,
});
const patch = (token: string, ifMatch?: number): ServiceInput => ({ kind: 'patch', instanceId: 'a', token, ifMatch });
const deregister: ServiceInput = { kind: 'deregister', instanceId: 'a' };
const created = (token: string, id = 'id-1'): ServiceOutput => ({ kind: 'created', instance: told(1, token, id) });
const changed = (version: number, token: string, id = 'id-1'): ServiceOutput => ({
  kind: 'changed',
  instance: told(version, token, id),
});
const found = (...instances: Told[]): ServiceOutput => ({ kind: 'found-all', instances });
const readAll: ServiceInput = { kind: 'read-all' };

const CREATED = op(0, 1, 'c1', register('t1'), created('t1'));

const problems = (history: readonly ServiceOperation[]) =>
  checkEachKey(SERVICE_MODEL, new Map([['orders', withUnseenTokensAlike(history)]])).map(({ text }) => text);

describe('a service behaves as its model', () => {
  it.each<[string, ServiceOperation[]]>([
    [
      'when it is used by one',
      [
        CREATED,
        op(2, 3, 'c1', patch('t2', 1), changed(2, 't2')),
        op(4, 5, 'c1', patch('t3', 1), { kind: 'refused', currentVersion: 2 }),
        op(6, 7, 'c1', register('t2'), changed(2, 't2')),
        op(8, 9, 'c1', { kind: 'count' }, { kind: 'counted', total: 1 }),
        op(10, 11, 'c1', deregister, { kind: 'deregistered' }),
        op(12, 13, 'c1', deregister, { kind: 'not-found' }),
        op(14, 15, 'c1', readAll, found()),
        op(16, 17, 'c1', register('t4'), created('t4', 'id-2')),
      ],
    ],
    [
      'when an update whose outcome nobody knows is seen or is not',
      [CREATED, op(2, 3, 'c1', patch('t2')), op(4, 5, 'c2', readAll, found(told(1, 't1')))],
    ],
    [
      'when updates whose outcomes nobody knows only show in the version',
      [
        CREATED,
        ...Array.from({ length: 40 }, (_, n) => op(2, 3, `c${n}`, patch(`lost-${n}`))),
        op(4, 5, 'c2', patch('t2'), changed(22, 't2')),
        op(6, 7, 'c2', readAll, found(told(22, 't2'))),
      ],
    ],
    [
      'when an instance that nobody knows to be registered turns out to be',
      [
        op(0, 1, 'c1', register('t1')),
        op(2, 3, 'c2', readAll, found(told(1, 't1', 'id-7'))),
        op(4, 5, 'c2', patch('t2'), changed(2, 't2', 'id-7')),
      ],
    ],
  ])('%s', (_name, history) => {
    expect(problems(history)).toEqual([]);
  });

  it.each<[string, ServiceOperation[]]>([
    ['a stale read', [CREATED, op(2, 3, 'c2', readAll, found())]],
    [
      'a lost update',
      [CREATED, op(2, 3, 'c1', patch('t2', 1), changed(2, 't2')), op(4, 5, 'c2', patch('t3', 1), changed(2, 't3'))],
    ],
    [
      'a lost update of two at once',
      [CREATED, op(2, 9, 'c1', patch('t2', 1), changed(2, 't2')), op(2, 9, 'c2', patch('t3', 1), changed(2, 't3'))],
    ],
    ['a read of a write that was said to have failed', [CREATED, op(4, 5, 'c2', readAll, found(told(2, 'failed')))]],
    [
      'an instance that comes back',
      [
        CREATED,
        op(2, 3, 'c1', deregister, { kind: 'deregistered' }),
        op(4, 5, 'c2', readAll, found()),
        op(6, 7, 'c2', readAll, found(told(1, 't1'))),
      ],
    ],
    ['an instance that goes on under another id', [CREATED, op(2, 3, 'c1', patch('t2'), changed(2, 't2', 'id-2'))]],
    [
      'a refusal that names another version',
      [CREATED, op(2, 3, 'c1', patch('t', 7), { kind: 'refused', currentVersion: 2 })],
    ],
    ['a refusal without need', [CREATED, op(2, 3, 'c1', patch('t', 1), { kind: 'refused', currentVersion: 1 })]],
    [
      'two that registered what must be new',
      [
        op(0, 9, 'c1', register('t1', { mustBeNew: true }), created('t1')),
        op(0, 9, 'c2', register('t2', { mustBeNew: true }), created('t2', 'id-2')),
      ],
    ],
    [
      'a list that is of no one moment',
      [
        CREATED,
        op(2, 3, 'c1', deregister, { kind: 'deregistered' }),
        op(4, 5, 'c1', { ...register('t2'), instanceId: 'b' } as ServiceInput, {
          kind: 'created',
          instance: told(1, 't2', 'id-2', 'b'),
        }),
        op(2, 9, 'c2', readAll, found(told(1, 't1'), told(1, 't2', 'id-2', 'b'))),
      ],
    ],
    ['a count that is wrong', [CREATED, op(2, 3, 'c1', { kind: 'count' }, { kind: 'counted', total: 0 })]],
  ])('%s is found', (_name, history) => {
    expect(problems(history)).toHaveLength(1);
  });

  it('tells the smallest history first, without the reads that say nothing', () => {
    const idle = Array.from({ length: 50 }, (_, n) => op(n + 2, n + 2.5, 'c2', readAll, found(told(1, 't1'))));
    const stale = [CREATED, ...idle, op(60, 61, 'c3', readAll, found())];
    const lost = [
      CREATED,
      op(2, 3, 'c1', patch('t2', 1), changed(2, 't2')),
      op(4, 5, 'c2', patch('t3', 1), changed(2, 't3')),
    ];
    const violations = checkEachKey(SERVICE_MODEL, new Map(Object.entries({ lost, stale, good: [CREATED] })));
    expect(violations.map(({ key }) => key)).toEqual(['stale', 'lost']);
    expect(violations[0]!.text).toBe(
      [
        'stale: not linearizable. 2 of its 52 operations show it:',
        '  0.0–1.0 c1: {kind:register,instanceId:a,token:t1} → {kind:created,instance:{instanceId:a,id:id-1,version:1,token:t1}}',
        '> 60.0–61.0 c3: {kind:read-all} → {kind:found-all,instances:[]}',
        'The marked one cannot have been answered so. What may have been there before it:',
        '  [["a",{"id":"id-1","version":1,"token":"t1"}]]',
      ].join('\n'),
    );
  });
});

/** A service with one mind, used by clients that overlap. */
function recorded(seed: number, operations: number): ServiceOperation[] {
  const random = seeded(seed);
  const pick = (choices: number) => Math.floor(random() * choices);
  let state = SERVICE_MODEL.initial;
  return Array.from({ length: operations }, (_, n) => {
    const instanceId = `i-${pick(3)}`;
    const held = state.get(instanceId);
    const ifMatch = pick(2) ? (held?.version ?? 1) - pick(2) : undefined;
    const token = pick(5) ? `t-${n}` : (held?.token ?? `t-${n}`);
    const inputs: ServiceInput[] = [
      { kind: 'register', instanceId, token, mustBeNew: pick(3) === 0 },
      { kind: 'patch', instanceId, token, ifMatch },
      { kind: 'deregister', instanceId, ifMatch },
      { kind: 'read-all' },
      { kind: 'read-one', instanceId },
      { kind: 'count' },
    ];
    const input = inputs[pick(inputs.length)]!;
    const output = answerOf(state, input, n);
    const isLost = pick(40) === 0;
    // What is lost may have happened, or not.
    if (!isLost || pick(2)) state = SERVICE_MODEL.step(state, input, output)!;
    return op(n * 10 - pick(30), n * 10 + pick(30), `c${n % 7}`, input, isLost ? undefined : output);
  });
}

function answerOf(state: typeof SERVICE_MODEL.initial, input: ServiceInput, n: number): ServiceOutput {
  const all = [...state].map(([instanceId, { id, version, token }]) => ({ instanceId, id: id!, version, token }));
  if (input.kind === 'read-all') return found(...all);
  if (input.kind === 'count') return { kind: 'counted', total: all.length };
  const instance = all.find(({ instanceId }) => instanceId === input.instanceId);
  if (!instance) {
    if (input.kind !== 'register' || input.ifMatch !== undefined) return { kind: 'not-found' };
    return { kind: 'created', instance: told(1, input.token, `id-${n}`, input.instanceId) };
  }
  if (input.kind === 'read-one') return { kind: 'found-one', instance };
  const isRefused =
    (input.ifMatch !== undefined && input.ifMatch !== instance.version) ||
    (input.kind === 'register' && input.mustBeNew === true);
  if (isRefused) return { kind: 'refused', currentVersion: instance.version };
  if (input.kind === 'deregister') return { kind: 'deregistered' };
  const isNew = input.token !== instance.token;
  return {
    kind: 'changed',
    instance: { ...instance, token: input.token, version: instance.version + (isNew ? 1 : 0) },
  };
}

/** What can be told wrongly in an answer, so that it is certainly wrong. */
function corrupted(output: ServiceOutput): ServiceOutput {
  switch (output.kind) {
    case 'counted':
      return { ...output, total: output.total + 7 };
    case 'refused':
      return { ...output, currentVersion: output.currentVersion + 1_000 };
    case 'found-all':
      return { ...output, instances: [...output.instances, told(1_000, 'nobody wrote this')] };
    case 'deregistered':
    case 'not-found':
      return { kind: 'refused', currentVersion: 1_000 };
    default:
      return { ...output, instance: { ...output.instance, version: output.instance.version + 1_000 } };
  }
}

describe('a recorded history of hundreds of operations', () => {
  it.each([1, 2, 3, 4, 5, 6])('is accepted as it was, and in no way that it was not (seed %i)', seed => {
    const history = recorded(seed, 500);
    expect(problems(history)).toEqual([]);
    const random = seeded(seed);
    for (let n = 0; n < 10; n++) {
      const victim = Math.floor(random() * history.length);
      const { output } = history[victim]!;
      if (output === undefined) continue;
      const told = history.with(victim, { ...history[victim]!, output: corrupted(output) });
      const { outcome } = checkLinearizable(SERVICE_MODEL, withUnseenTokensAlike(told));
      expect(outcome, `operation ${victim} corrupted`).toBe('violated');
    }
  });
});
