import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  claimOf,
  endsWithIncarnation,
  type Health,
  identityOf,
  type InstanceRecord,
  type LeasedInstance,
  nextIncarnation,
  type Override,
  OVERRIDE_STATUSES,
} from '@coordination/catalog';
import { MAX_ENDED } from '@coordination/catalog/testing';
import { commandOn, frozen, someLeasedInstance } from '../../../../test/support/laws/arbitraries.js';
import {
  aLeasedInstance,
  anIdentity,
  aSpec,
  aTcpCheck,
  NOW,
  registerCommand,
  REGISTERED_AT,
} from '../../../../test/support/catalog/factories.js';
import { type Command, type Target } from './commands.js';
import { decide, type Decision, type Moment } from './decide.js';

const MOMENT: Moment = { now: NOW, clock: NOW, revision: 42, actor: 'operator' };
const ID = '01890000-0000-7000-8000-000000000001';
const TARGET = { id: ID };

const stored = (differing: Partial<InstanceRecord> = {}): LeasedInstance =>
  frozen(aLeasedInstance({ id: ID, version: 7, revision: 30, ...differing }));

const SICK: Health = {
  state: 'unhealthy',
  failures: 5,
  output: 'refused',
  decidedBy: 'report',
  since: REGISTERED_AT,
};

const anOverride = (differing: Partial<Override> = {}): Override => ({
  status: 'stopping',
  reason: null,
  until: null,
  setAt: REGISTERED_AT,
  setBy: 'operator',
  ...differing,
});

const changing = (current: LeasedInstance | undefined, command: Command) => {
  const decision = decide(current, frozen(command), MOMENT);
  if (decision.kind !== 'changed') throw new Error(`not changed but ${decision.kind}: ${JSON.stringify(decision)}`);
  return decision;
};

const afterwards = (current: LeasedInstance | undefined, command: Command): LeasedInstance => {
  const { after } = changing(current, command);
  if (!after) throw new Error('the instance is gone');
  return after;
};

const rejection = (decision: Decision) => (decision.kind === 'rejected' ? decision.error : undefined);

/** The two ways in which a process says that it is there. */
const REGISTRATIONS: Readonly<Record<string, (incarnation?: string, differing?: object) => Command>> = {
  register: (incarnation, differing) => registerCommand({ incarnation, ...differing }),
  replace: (incarnation, differing) => ({
    kind: 'replace',
    target: TARGET,
    spec: aSpec(),
    claimed: {},
    incarnation,
    ...differing,
  }),
};

describe('A registration of a new instance', () => {
  it('has the incarnation that it names, as the first', () => {
    expect(afterwards(undefined, registerCommand({ incarnation: 'a' })).instance).toMatchObject({
      incarnation: 'a',
      incarnationNumber: 1,
      version: 1,
    });
    expect(afterwards(undefined, registerCommand()).instance).toMatchObject({
      incarnation: null,
      incarnationNumber: 1,
    });
  });
});

describe.each(Object.keys(REGISTRATIONS))('%s', kind => {
  const registering = REGISTRATIONS[kind]!;

  it('that names another incarnation begins the next one, though it says nothing else that is new', () => {
    const current = stored({ incarnation: 'a', incarnationNumber: 3, health: SICK, endedIncarnations: ['z'] });
    const { action, after } = changing(current, registering('b'));
    expect(action).toBe('instance.incarnation_started');
    expect(after).toEqual({
      instance: {
        ...current.instance,
        incarnation: 'b',
        incarnationNumber: 4,
        endedIncarnations: ['z', 'a'],
        health: { state: 'healthy', failures: 0, output: '', decidedBy: 'registration', since: NOW },
        status: 'healthy',
        updatedAt: NOW,
        version: 8,
        revision: 42,
      },
      lease: { renewedAt: NOW, checkedAt: null },
    });
  });

  it('takes what else it says in the same event, and begins in the state that it asks for', () => {
    const command = registering('b', {
      spec: aSpec({ weight: 5, metadata: { version: '3.0.0' } }),
      initialState: 'starting',
    });
    expect(afterwards(stored({ incarnation: 'a', health: SICK }), command).instance).toMatchObject({
      incarnation: 'b',
      weight: 5,
      metadata: { version: '3.0.0' },
      status: 'starting',
      version: 8,
    });
  });

  it('of a probed instance begins unknown, for the probes of the process before say nothing of it', () => {
    const spec = aSpec({ check: aTcpCheck() });
    const current = stored({ ...spec, incarnation: 'a' });
    expect(afterwards(current, registering('b', { spec })).instance.status).toBe('unknown');
  });

  it('is that of a new process when it is the first that names one', () => {
    const { action, after } = changing(stored({ health: SICK }), registering('a'));
    expect(action).toBe('instance.incarnation_started');
    expect(after!.instance).toMatchObject({ incarnation: 'a', incarnationNumber: 2, status: 'healthy' });
    expect(after!.instance.endedIncarnations, 'a process that named none cannot be told from others').toBeUndefined();
  });

  it('that names the current one is what it is without any: a repetition, or an update', () => {
    const override = anOverride();
    const current = stored({ incarnation: 'a', override });
    expect(decide(current, registering('a'), MOMENT)).toEqual({ kind: 'unchanged', current, lifeSign: 'renewal' });
    const { action, after } = changing(current, registering('a', { spec: aSpec({ weight: 5 }) }));
    expect(action).toBe('instance.updated');
    expect(after!.instance).toMatchObject({ incarnation: 'a', incarnationNumber: 1, override, status: 'stopping' });
  });

  it('without any is that of the process that runs, as long as no override says that it ends', () => {
    for (const override of [null, anOverride({ status: 'maintenance' }), anOverride({ scope: 'instance' })]) {
      const current = stored({ incarnation: 'a', override });
      expect(decide(current, registering(), MOMENT)).toEqual({ kind: 'unchanged', current, lifeSign: 'renewal' });
      const updated = afterwards(current, registering(undefined, { spec: aSpec({ weight: 5 }) }));
      expect(updated.instance).toMatchObject({ incarnation: 'a', incarnationNumber: 1, override });
    }
  });

  it('without any, while an override says that the process ends, is that of the next process', () => {
    for (const override of [
      anOverride(),
      anOverride({ status: 'stopped' }),
      anOverride({ status: 'maintenance', scope: 'incarnation' }),
      anOverride({ until: '2026-02-01T00:00:00.000Z' }),
    ]) {
      const { action, after } = changing(stored({ incarnation: 'a', override }), registering());
      expect(action).toBe('instance.incarnation_started');
      expect(after!.instance).toMatchObject({
        incarnation: null,
        incarnationNumber: 2,
        endedIncarnations: ['a'],
        override: null,
        status: 'healthy',
      });
      const nameless = changing(stored({ override }), registering());
      expect(nameless.after!.instance).toMatchObject({ incarnation: null, incarnationNumber: 2, status: 'healthy' });
    }
  });

  it('of the next process ends overrides of the incarnation, and keeps those of the instance', () => {
    for (const status of OVERRIDE_STATUSES) {
      const after = (scope?: 'incarnation' | 'instance') =>
        afterwards(
          stored({ incarnation: 'a', override: anOverride({ status, ...(scope && { scope }) }) }),
          registering('b'),
        ).instance;
      expect(after('incarnation')).toMatchObject({ override: null, status: 'healthy' });
      expect(after('instance')).toMatchObject({ override: { status, scope: 'instance' }, status });
      expect(after().override === null, `by default, ${status}`).toBe(status !== 'maintenance');
    }
  });

  it('that names one that has ended is refused, whatever else it says, and told which one runs', () => {
    const current = stored({ incarnation: 'c', endedIncarnations: ['a', 'b'] });
    for (const differing of [{}, { mustBeNew: true }, { ifMatch: [6] }, { spec: aSpec({ weight: 5 }) }]) {
      expect(rejection(decide(current, registering('a', differing), MOMENT))).toMatchObject({
        code: 'INCARNATION_ENDED',
        extras: { currentIncarnation: 'c' },
      });
    }
  });

  it('of a next process honours If-Match', () => {
    const current = stored({ incarnation: 'a' });
    expect(rejection(decide(current, registering('b', { ifMatch: [6] }), MOMENT))?.code).toBe('VERSION_MISMATCH');
    expect(changing(current, registering('b', { ifMatch: [7] })).action).toBe('instance.incarnation_started');
  });

  it('of a next process is a repetition when it comes again', () => {
    for (const override of [null, anOverride()]) {
      for (const incarnation of ['b', undefined]) {
        const first = decide(stored({ incarnation: 'a', override }), registering(incarnation), MOMENT);
        const then = first.kind === 'changed' ? first.after! : stored({ incarnation: 'a', override });
        expect(decide(then, registering(incarnation), MOMENT)).toMatchObject({
          kind: 'unchanged',
          lifeSign: 'renewal',
        });
      }
    }
  });
});

describe('A registration that must be new', () => {
  it('is none of the next process', () => {
    const command = registerCommand({ incarnation: 'b', mustBeNew: true });
    expect(rejection(decide(stored({ incarnation: 'a' }), command, MOMENT))?.code).toBe('ALREADY_REGISTERED');
  });
});

/** A command of each kind that may name an incarnation, on an instance that each of them changes. */
const NAMING: Readonly<Record<string, (incarnation?: string, differing?: object) => Command>> = {
  patch: (incarnation, rest) => ({ kind: 'patch', target: TARGET, patch: { weight: 1 }, incarnation, ...rest }),
  deregister: (incarnation, rest) => ({ kind: 'deregister', target: TARGET, incarnation, ...rest }),
  'report-health': (incarnation, rest) => ({
    kind: 'report-health',
    target: TARGET,
    report: { healthy: false, output: 'late' },
    incarnation,
    ...rest,
  }),
  heartbeat: (incarnation, rest) => ({ kind: 'heartbeat', target: TARGET, incarnation, ...rest }),
  'set-override': (incarnation, rest) => ({
    kind: 'set-override',
    target: TARGET,
    status: 'stopping',
    reason: null,
    until: null,
    incarnation,
    ...rest,
  }),
  'clear-override': (incarnation, rest) => ({ kind: 'clear-override', target: TARGET, incarnation, ...rest }),
};

describe.each(Object.keys(NAMING))('%s', kind => {
  const naming = NAMING[kind]!;
  const health: Health = { ...SICK, state: 'starting', failures: 0, decidedBy: 'registration' };
  const run = (incarnation: string | null) =>
    stored({ incarnation, health, override: anOverride({ status: 'maintenance' }), endedIncarnations: ['a'] });

  it('of the current incarnation, or of none, is carried out', () => {
    expect(changing(run('b'), naming('b')).kind).toBe('changed');
    expect(changing(run('b'), naming()).kind).toBe('changed');
    expect(changing(run(null), naming()).kind).toBe('changed');
  });

  it('of another one is refused: one that ended, one that never was, any where none is named', () => {
    for (const [current, named] of [
      ['b', 'a'],
      ['b', 'never'],
      [null, 'a'],
    ] as const) {
      for (const differing of [{}, { ifMatch: [6] }, { ifMatch: '*' }]) {
        const error = rejection(decide(run(current), naming(named, differing), MOMENT));
        expect(error).toMatchObject({ code: 'INCARNATION_ENDED', extras: { currentIncarnation: current } });
        expect(error!.message).toContain('default/orders/orders-1');
      }
    }
  });

  it('of what is not there is not found, whichever it names', () => {
    expect(rejection(decide(undefined, naming('a'), MOMENT))?.code).toBe('INSTANCE_NOT_FOUND');
  });
});

describe('A command that does not mind absence', () => {
  it.each(['deregister', 'heartbeat'])('does not mind another incarnation either: %s', kind => {
    const command = NAMING[kind]!('a', { whenAbsent: 'ignore' });
    expect(decide(stored({ incarnation: 'b' }), command, MOMENT)).toEqual({ kind: 'ended' });
    expect(decide(undefined, command, MOMENT)).toEqual({ kind: 'absent' });
  });
});

describe('A patch', () => {
  it.each(['b', null, 7])('cannot set the incarnation (%j)', incarnation => {
    const command: Command = { kind: 'patch', target: TARGET, patch: { incarnation } };
    expect(rejection(decide(stored({ incarnation: 'a' }), command, MOMENT))?.extras.errors).toEqual([
      { path: '/incarnation', message: expect.stringContaining('cannot be patched') },
    ]);
  });
});

const report = (probed: InstanceRecord): Command => ({
  kind: 'report-probe',
  target: TARGET,
  probed,
  verdict: { healthy: true, inARow: 9, output: '' },
});

describe('A probe', () => {
  it('of the process before says nothing of the next one', () => {
    const spec = aSpec({ check: aTcpCheck() });
    const before = stored({ ...spec, incarnation: 'a' }).instance;
    const { instance } = afterwards(stored({ ...spec, incarnation: 'a' }), registerCommand({ spec, incarnation: 'b' }));
    const current = { instance, lease: stored().lease };
    expect(decide(current, report(before), MOMENT)).toMatchObject({ kind: 'unchanged' });
    expect(decide(current, report(instance), MOMENT)).toMatchObject({ kind: 'changed' });
  });
});

const setting = (differing: object = {}): Command => ({
  kind: 'set-override',
  target: TARGET,
  status: 'stopping',
  reason: null,
  until: null,
  ...differing,
});

describe('An override', () => {
  it('has the scope that it asks for, or that of its status', () => {
    const scopes = OVERRIDE_STATUSES.map(status => [
      status,
      afterwards(stored(), setting({ status })).instance.override?.scope,
    ]);
    expect(scopes).toEqual([
      ['maintenance', 'instance'],
      ['stopping', 'incarnation'],
      ['stopped', 'incarnation'],
    ]);
    expect(afterwards(stored(), setting({ scope: 'instance' })).instance.override?.scope).toBe('instance');
  });

  it('with another scope is another one; one that was stored without has that of its status', () => {
    const current = stored({ override: anOverride() });
    expect(decide(current, setting(), MOMENT).kind).toBe('unchanged');
    expect(decide(current, setting({ scope: 'incarnation' }), MOMENT).kind).toBe('unchanged');
    expect(changing(current, setting({ scope: 'instance' })).action).toBe('instance.override_set');
  });
});

describe('Incarnations that ended', () => {
  it('are remembered, so many of them', () => {
    let current = stored({ incarnation: 'i-0' });
    for (let n = 1; n <= MAX_ENDED + 5; n++) current = afterwards(current, registerCommand({ incarnation: `i-${n}` }));
    const { endedIncarnations, incarnationNumber } = current.instance;
    expect(incarnationNumber).toBe(MAX_ENDED + 6);
    expect(endedIncarnations).toEqual(Array.from({ length: MAX_ENDED }, (_, n) => `i-${n + 5}`));
    expect(claimOf(current.instance, 'i-5')).toBe('ended');
    expect(claimOf(current.instance, 'i-4'), 'forgotten').toBe('next');
  });

  it('are none as long as nobody named any', () => {
    expect(nextIncarnation({ incarnation: null, incarnationNumber: 1 }, undefined)).toEqual({
      incarnation: null,
      incarnationNumber: 2,
    });
  });
});

/** Carries the commands out, and says of each what was there before it. */
function* carriedOut([first, commands]: [LeasedInstance | undefined, Command[]]) {
  let current = first;
  for (const command of commands) {
    const decision = decide(frozen(current), frozen(command), MOMENT);
    yield { current, command, decision };
    if (decision.kind === 'changed') current = decision.after;
  }
}

/** The same instance, of which no incarnations are known. */
const plain = (leased: LeasedInstance): LeasedInstance => {
  const { endedIncarnations: _, ...instance } = leased.instance;
  return { ...leased, instance: { ...instance, incarnation: null, incarnationNumber: 1 } };
};

describe('Every sequence of commands', () => {
  const identity = anIdentity();
  const target: Target = { identity };
  const someSequence = fc.tuple(
    fc.option(someLeasedInstance, { nil: undefined }),
    fc.array(commandOn(fc.constant(target)), { maxLength: 30 }),
  );

  it('never lets an incarnation that has ended change anything again', () => {
    let refused = 0;
    fc.assert(
      fc.property(someSequence, sequence => {
        const ended = new Set<string>();
        for (const { current, command, decision } of carriedOut(sequence)) {
          const { incarnation } = command;
          if (current === undefined) ended.clear();
          else if (incarnation !== undefined && ended.has(incarnation)) {
            refused += 1;
            expect(decision.kind === 'ended' || rejection(decision)?.code === 'INCARNATION_ENDED').toBe(true);
          }
          if (decision.kind !== 'changed' || !decision.after) continue;
          const [before, after] = [current?.instance, decision.after.instance];
          if (before && before.incarnation !== null && before.incarnation !== after.incarnation) {
            ended.add(before.incarnation);
          }
        }
      }),
      { numRuns: 500 },
    );
    expect(refused, 'the commands do meet incarnations that ended').toBeGreaterThan(0);
  });

  it('counts incarnations by one, exactly when one begins, and then leaves nothing of the one before', () => {
    fc.assert(
      fc.property(someSequence, sequence => {
        for (const { current, decision } of carriedOut(sequence)) {
          if (decision.kind !== 'changed' || !decision.after || !current) continue;
          const [before, after] = [current.instance, decision.after.instance];
          const begins = decision.action === 'instance.incarnation_started';
          expect(after.incarnationNumber - before.incarnationNumber).toBe(begins ? 1 : 0);
          if (!begins) {
            expect(after.incarnation).toBe(before.incarnation);
            expect(after.endedIncarnations).toBe(before.endedIncarnations);
            continue;
          }
          expect(after.health).toMatchObject({ failures: 0, output: '', decidedBy: 'registration', since: NOW });
          expect(decision.after.lease).toEqual({ renewedAt: NOW, checkedAt: null });
          expect(after.override).toBe(endsWithIncarnation(before.override) ? null : before.override);
          expect(after.endedIncarnations ?? []).not.toContain(after.incarnation);
          expect(after.endedIncarnations?.length ?? 0).toBeLessThanOrEqual(MAX_ENDED);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that names none does what it does where there are none, but for what follows an announced end', () => {
    fc.assert(
      fc.property(someLeasedInstance, commandOn(fc.constant(target)), (leased, asked) => {
        const command = { ...asked, incarnation: undefined } as Command;
        const isRegistration = command.kind === 'register' || command.kind === 'replace';
        fc.pre(!isRegistration || !endsWithIncarnation(leased.instance.override));
        const decision = decide(leased, command, MOMENT);
        const without = decide(plain(leased), command, MOMENT);
        expect(decision.kind).toBe(without.kind);
        if (decision.kind !== 'changed' || without.kind !== 'changed') return;
        expect(decision.after && plain(decision.after)).toEqual(without.after);
        expect(identityOf(decision.before?.instance ?? identity)).toEqual(identityOf(leased.instance));
      }),
      { numRuns: 500 },
    );
  });
});
