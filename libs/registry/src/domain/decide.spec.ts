import { type JsonObject } from '@coordination/kernel';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AHEAD_TOLERANCE_MS,
  type Check,
  endsWithIncarnation,
  type Health,
  type InstanceRecord,
  type LeaseAllowance,
  type LeasedInstance,
  type Override,
} from '@coordination/catalog';
import { HEALTH_STATES, INITIAL_STATES } from '@coordination/catalog/testing';
import {
  commandOn,
  frozen,
  reordered,
  someIdentity,
  someLeasedInstance,
  someSpecToAsk,
} from '../../../../test/support/laws/arbitraries.js';
import {
  aLeasedInstance,
  anIdentity,
  aSpec,
  NOW,
  registerCommand,
  REGISTERED_AT,
} from '../../../../test/support/catalog/factories.js';
import { type Command, type ExpectedVersion, type ReportProbeCommand, targetOf } from './commands.js';
import { decide, type Decision, isUnchanged, type Moment } from './decide.js';

const MOMENT: Moment = { now: NOW, clock: NOW, revision: 42, actor: 'operator' };
const ID = '01890000-0000-7000-8000-000000000001';
const TARGET = { id: ID };

const PROBED: Check = {
  kind: 'tcp',
  ttlSeconds: null,
  deregisterAfterSeconds: 900,
  intervalSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 3,
  successThreshold: 1,
};

const stored = (differing: Partial<InstanceRecord> = {}): LeasedInstance =>
  frozen(aLeasedInstance({ id: ID, version: 7, revision: 30, ...differing }));

const healthOf = (differing: Partial<Health>): Health => ({
  state: 'healthy',
  failures: 0,
  output: '',
  decidedBy: 'registration',
  since: REGISTERED_AT,
  ...differing,
});

const anOverride = (differing: Partial<Override> = {}): Override => ({
  status: 'maintenance',
  reason: 'disk swap',
  until: null,
  setAt: REGISTERED_AT,
  setBy: 'operator',
  ...differing,
});

const changing = (current: LeasedInstance | undefined, command: Command) => {
  const decision = decide(current, command, MOMENT);
  if (decision.kind !== 'changed') throw new Error(`not changed but ${decision.kind}: ${JSON.stringify(decision)}`);
  return decision;
};

const afterwards = (current: LeasedInstance | undefined, command: Command) => {
  const { after } = changing(current, command);
  if (!after) throw new Error('the instance is gone');
  return after;
};

const rejection = (decision: Decision) => (decision.kind === 'rejected' ? decision.error : undefined);

const ALLOWANCE: LeaseAllowance = { flushBoundMs: 1_000, recoveringSince: null, maxGraceMs: 600_000, stalls: [] };
/** Callers cannot send probes, so those have no `If-Match`. */
type AskedKind = Exclude<Command['kind'], 'report-probe'>;

/** One command of each kind that changes an instance as {@link stored} gives it, with an `If-Match`. */
const CHANGES: Record<AskedKind, (ifMatch?: ExpectedVersion) => Command> = {
  register: ifMatch => registerCommand({ spec: aSpec({ port: 81 }), ifMatch }),
  replace: ifMatch => ({ kind: 'replace', target: TARGET, spec: aSpec({ weight: 1 }), claimed: {}, ifMatch }),
  patch: ifMatch => ({ kind: 'patch', target: TARGET, patch: { weight: 1 }, ifMatch }),
  deregister: ifMatch => ({ kind: 'deregister', target: TARGET, whenAbsent: 'reject', ifMatch }),
  'report-health': ifMatch => ({
    kind: 'report-health',
    target: TARGET,
    report: { healthy: false, output: 'refused' },
    ifMatch,
  }),
  heartbeat: ifMatch => ({ kind: 'heartbeat', target: TARGET, ifMatch }),
  'set-override': ifMatch => ({
    kind: 'set-override',
    target: TARGET,
    status: 'stopping',
    reason: null,
    until: null,
    ifMatch,
  }),
  'clear-override': ifMatch => ({ kind: 'clear-override', target: TARGET, ifMatch }),
  expire: ifMatch => ({ kind: 'expire', target: TARGET, whenAbsent: 'reject', ifMatch, allowance: ALLOWANCE }),
};
const KINDS = Object.keys(CHANGES) as AskedKind[];

/** An instance that every one of {@link CHANGES} changes. */
const restless = (): LeasedInstance =>
  stored({ health: healthOf({ state: 'starting' }), override: anOverride({ status: 'maintenance' }) });

describe('If-Match', () => {
  const right: ExpectedVersion[] = [undefined, '*', [7], [3, 7, 9]];
  const stale: ExpectedVersion[] = [[6], [8], [1, 2, 3], []];

  it.each(KINDS)('lets %s pass when it names the version, or any, or none', kind => {
    for (const ifMatch of right) expect(decide(restless(), CHANGES[kind](ifMatch), MOMENT).kind).toBe('changed');
  });

  it.each(KINDS)('stops %s when it is stale, and tells the version', kind => {
    for (const ifMatch of stale) {
      expect(rejection(decide(restless(), CHANGES[kind](ifMatch), MOMENT))).toMatchObject({
        code: 'VERSION_MISMATCH',
        extras: { currentVersion: 7 },
      });
    }
  });

  it.each(KINDS)('of %s for what is not there is "not found", whatever it names', kind => {
    for (const ifMatch of ['*', [7]] as const) {
      expect(rejection(decide(undefined, CHANGES[kind](ifMatch), MOMENT))).toMatchObject({
        code: 'INSTANCE_NOT_FOUND',
      });
    }
  });
});

describe('An instance that is not there', () => {
  it.each(KINDS.filter(kind => kind !== 'register'))('is not found by %s', kind => {
    const byId = rejection(decide(undefined, CHANGES[kind](), MOMENT));
    expect(byId?.message).toContain(`id ${ID}`);
    const byName = { ...CHANGES[kind](), target: { identity: anIdentity() } } as Command;
    expect(rejection(decide(undefined, byName, MOMENT))?.message).toContain('default/orders/orders-1');
  });

  it.each(['deregister', 'heartbeat', 'clear-override'] as const)('is no error of %s for who does not mind', kind => {
    expect(decide(undefined, { kind, target: TARGET, whenAbsent: 'ignore' }, MOMENT)).toEqual({ kind: 'absent' });
  });
});

describe('A registration of a new instance', () => {
  it('makes version 1, healthy since now, with a fresh lease', () => {
    const command = registerCommand({ id: ID });
    expect(decide(undefined, frozen(command), MOMENT)).toEqual({
      kind: 'changed',
      action: 'instance.registered',
      before: undefined,
      after: {
        instance: {
          ...anIdentity(),
          ...aSpec(),
          id: ID,
          incarnation: null,
          incarnationNumber: 1,
          status: 'healthy',
          health: healthOf({ since: NOW }),
          override: null,
          registeredAt: NOW,
          updatedAt: NOW,
          version: 1,
          revision: 42,
        },
        lease: { renewedAt: NOW, checkedAt: null },
      },
    });
  });

  it.each(INITIAL_STATES)('begins %s when asked', initialState => {
    expect(afterwards(undefined, registerCommand({ initialState })).instance).toMatchObject({
      status: initialState,
      health: { state: initialState },
    });
  });

  it('begins unknown where probes decide, whatever is asked', () => {
    const command = registerCommand({ spec: aSpec({ check: PROBED }), initialState: 'healthy' });
    expect(afterwards(undefined, command).instance.status).toBe('unknown');
  });

  it('that must be new is what it asks for', () => {
    expect(changing(undefined, registerCommand({ mustBeNew: true })).action).toBe('instance.registered');
  });
});

describe('A registration of an instance that exists', () => {
  it('is refused when it must be new', () => {
    expect(rejection(decide(stored(), registerCommand({ mustBeNew: true }), MOMENT))).toMatchObject({
      code: 'ALREADY_REGISTERED',
      extras: { currentVersion: 7 },
    });
  });

  it('that says nothing new is a sign of life and no change', () => {
    const current = stored();
    expect(decide(current, registerCommand(), MOMENT)).toEqual({ kind: 'unchanged', current, lifeSign: 'renewal' });
  });

  it.each(INITIAL_STATES)('is no change when it is repeated, having begun %s', initialState => {
    for (const kind of ['heartbeat', 'none'] as const) {
      const spec = aSpec({ check: { kind, ttlSeconds: 30, deregisterAfterSeconds: 900 } });
      const command = registerCommand({ initialState, spec });
      const current = afterwards(undefined, command);
      expect(decide(current, command, MOMENT)).toEqual({ kind: 'unchanged', current, lifeSign: 'renewal' });
    }
  });

  it('heals as a heartbeat does', () => {
    const expired = stored({ health: healthOf({ state: 'unhealthy', decidedBy: 'lease' }) });
    const { action, after } = changing(expired, registerCommand());
    expect(action).toBe('instance.health_changed');
    expect(after).toMatchObject({ instance: { status: 'healthy', version: 8 }, lease: { renewedAt: NOW } });
  });

  it('makes healthy what began as starting, once it no longer says so', () => {
    const starting = stored({ health: healthOf({ state: 'starting' }) });
    expect(afterwards(starting, registerCommand()).instance.status).toBe('healthy');
  });

  it('replaces the spec, and keeps id, override, health and the time of registration', () => {
    const health = healthOf({ state: 'degraded', failures: 1, decidedBy: 'report' });
    const override = anOverride();
    const current = stored({ health, override });
    const spec = aSpec({ weight: 5, zone: 'eu-1b', type: 'worker', metadata: { version: '3.0.0' } });
    expect(decide(current, registerCommand({ spec }), MOMENT)).toEqual({
      kind: 'changed',
      action: 'instance.updated',
      before: current,
      after: {
        instance: { ...current.instance, ...spec, updatedAt: NOW, version: 8, revision: 42 },
        lease: { renewedAt: NOW, checkedAt: null },
      },
    });
  });

  const otherEndpoints = [
    { host: '10.0.3.18' },
    { port: 81 },
    { scheme: 'grpc' },
    { check: { kind: 'heartbeat', ttlSeconds: 31, deregisterAfterSeconds: 900 } },
  ] as const;

  it.each(otherEndpoints)('begins with health anew at %j, in the state that it asks for', differing => {
    const health = healthOf({ state: 'unhealthy', failures: 4, output: 'refused', decidedBy: 'report' });
    const current = stored({ health, override: anOverride() });
    const command = registerCommand({ spec: aSpec(differing), initialState: 'starting' });
    const after = afterwards(current, command);
    expect(after.instance.health).toEqual(healthOf({ state: 'starting', since: NOW }));
    expect(after.instance.status, "an operator's word outlives the endpoint").toBe('maintenance');
    expect(after.lease).toEqual({ renewedAt: NOW, checkedAt: null });
  });
});

const put = (differing: object = {}): Command => ({
  kind: 'replace',
  target: TARGET,
  spec: aSpec(),
  claimed: {},
  ...differing,
});

describe('PUT', () => {
  it('of what is stored is a sign of life and no change', () => {
    expect(decide(stored(), put(), MOMENT)).toMatchObject({ kind: 'unchanged', lifeSign: 'renewal' });
  });

  it('takes the identity when it is what it is', () => {
    expect(decide(stored(), put({ claimed: anIdentity() }), MOMENT).kind).toBe('unchanged');
  });

  it('cannot change any part of the identity, and says all that are wrong', () => {
    const claimed = { namespace: 'shop', service: 'orders', instanceId: 'orders-2' };
    expect(rejection(decide(stored(), put({ claimed }), MOMENT))?.extras.errors).toEqual([
      { path: '/namespace', message: 'cannot be changed, it is default' },
      { path: '/instanceId', message: 'cannot be changed, it is orders-1' },
    ]);
  });

  it('replaces the spec', () => {
    expect(afterwards(stored(), put({ spec: aSpec({ weight: 3 }) })).instance).toMatchObject({ weight: 3, version: 8 });
  });
});

const patching = (patch: JsonObject, current = stored()) =>
  decide(current, frozen({ kind: 'patch', target: TARGET, patch }), MOMENT);

const patched = (patch: JsonObject, current = stored()) =>
  afterwards(current, { kind: 'patch', target: TARGET, patch }).instance;

describe('PATCH', () => {
  it('merges metadata, removes with null, and leaves the rest', () => {
    const after = patched({ metadata: { version: null, region: 'eu', tags: { tier: 'gold' } } });
    expect(after).toMatchObject({ version: 8, weight: 100 });
    expect(after.metadata).toEqual({ region: 'eu', tags: { team: 'checkout', tier: 'gold' } });
  });

  it('gives back the default of what it removes', () => {
    const current = stored({ weight: 5, zone: 'eu-1a', metadata: { a: 1 }, type: 'worker' });
    expect(patched({ weight: null, zone: null, metadata: null, type: null }, current)).toMatchObject({
      weight: 100,
      zone: null,
      metadata: {},
      type: 'api',
    });
  });

  it('is no sign of life: neither unchanged nor changed does it renew the lease', () => {
    expect(patching({})).toMatchObject({ kind: 'unchanged', lifeSign: 'none' });
    expect(patching({ weight: 100 })).toMatchObject({ kind: 'unchanged', lifeSign: 'none' });
    expect(afterwards(stored(), CHANGES.patch()).lease.renewedAt).toBe(REGISTERED_AT);
  });

  it('begins with health anew when the endpoint or the check changes', () => {
    const sick = stored({ health: healthOf({ state: 'unhealthy', failures: 3, decidedBy: 'report' }) });
    expect(patched({ port: 81 }, sick).health).toEqual(healthOf({ since: NOW }));
    expect(patched({ check: { ttlSeconds: 60 } }, sick).health).toEqual(healthOf({ since: NOW }));
    expect(patched({ weight: 1 }, sick).health).toEqual(sick.instance.health);
  });

  it('names all that is wrong at once: identity, fields, unknown ones, removed ones', () => {
    const errors = rejection(patching({ service: 'billing', port: 0, host: null, nonsense: true, metadata: 'text' }))
      ?.extras.errors;
    expect(errors?.map(error => error.path).sort()).toEqual(['/host', '/metadata', '/nonsense', '/port', '/service']);
  });

  it('takes the identity when it is what it is', () => {
    expect(patching({ service: 'orders', namespace: 'default', instanceId: 'orders-1' }).kind).toBe('unchanged');
    expect(rejection(patching({ instanceId: null }))).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('is harmless with keys that name parts of JavaScript', () => {
    for (const text of ['{"__proto__": {"port": 1}}', '{"metadata": {"__proto__": {"a": 1}}}', '{"constructor": {}}']) {
      const decision = patching(JSON.parse(text));
      expect(decision.kind === 'changed', text).toBe(false);
    }
    expect(patched({ metadata: { constructor: 'x' } }).metadata).toHaveProperty('constructor', 'x');
    expect('port' in {}).toBe(false);
  });

  it('cannot make the metadata larger than a registration may', () => {
    const half = 'x'.repeat(20_000);
    const current = stored({ metadata: { half } });
    expect(rejection(patching({ metadata: { other: half } }, current))?.extras.errors).toMatchObject([
      { path: '/metadata' },
    ]);
  });
});

describe('A deregistration', () => {
  it('leaves nothing', () => {
    const current = restless();
    for (const whenAbsent of ['reject', 'ignore'] as const) {
      const decision = decide(current, { kind: 'deregister', target: TARGET, whenAbsent }, MOMENT);
      expect(decision).toEqual({ kind: 'changed', action: 'instance.deregistered', before: current, after: undefined });
    }
  });
});

const report = (healthy: boolean): Command => ({
  kind: 'report-health',
  target: TARGET,
  report: { healthy, output: 'said' },
});

describe('A health report', () => {
  it('that changes nothing is a sign of life', () => {
    expect(decide(stored(), report(true), MOMENT)).toMatchObject({ kind: 'unchanged', lifeSign: 'report' });
  });

  it('that changes the health renews the lease and notes the check', () => {
    const { action, after } = changing(stored(), report(false));
    expect(action).toBe('instance.health_changed');
    expect(after).toMatchObject({
      instance: { status: 'degraded', health: { failures: 1, output: 'said', decidedBy: 'report', since: NOW } },
      lease: { renewedAt: NOW, checkedAt: NOW },
    });
  });

  it('does not speak over an operator', () => {
    const after = afterwards(stored({ override: anOverride() }), report(false)).instance;
    expect(after).toMatchObject({ status: 'maintenance', health: { state: 'degraded' } });
  });
});

describe('A heartbeat', () => {
  const heartbeat: Command = { kind: 'heartbeat', target: TARGET };

  it('that heals nothing is a sign of life and no change', () => {
    expect(decide(stored(), heartbeat, MOMENT)).toMatchObject({ kind: 'unchanged', lifeSign: 'renewal' });
  });

  it('that heals renews the lease, and keeps when it was checked', () => {
    const current = { ...restless(), lease: { renewedAt: REGISTERED_AT, checkedAt: REGISTERED_AT } };
    const { action, after } = changing(current, heartbeat);
    expect(action).toBe('instance.health_changed');
    expect(after?.lease).toEqual({ renewedAt: NOW, checkedAt: REGISTERED_AT });
  });
});

const SECOND = 1_000;
const at = (ms: number): string => new Date(Date.parse(REGISTERED_AT) + ms).toISOString();
const expire = (allowance: Partial<LeaseAllowance> = {}): Command => ({
  kind: 'expire',
  target: TARGET,
  whenAbsent: 'ignore',
  allowance: { ...ALLOWANCE, ...allowance },
});

/** 30 s and the bound of a flush after the registration. */
const OVER = 31 * SECOND;
const moment = (ms: number, now = at(ms)): Moment => ({ ...MOMENT, now, clock: at(ms) });

const lapsed = (differing: Partial<InstanceRecord> = {}) =>
  stored({ health: healthOf({ state: 'unhealthy', decidedBy: 'lease', since: at(OVER) }), ...differing });
const afterwardsAt = (current: LeasedInstance, ms: number): InstanceRecord => {
  const decision = decide(current, expire(), moment(ms));
  if (decision.kind !== 'changed' || !decision.after) throw new Error(`not changed: ${JSON.stringify(decision)}`);
  return decision.after.instance;
};

describe('The end of a lease', () => {
  const check: Check = { kind: 'heartbeat', ttlSeconds: 30, deregisterAfterSeconds: 900 };

  it('makes an instance unhealthy exactly when its time and that of a flush are over, and says why', () => {
    expect(decide(stored(), expire(), moment(OVER - 1))).toMatchObject({ kind: 'unchanged', lifeSign: 'none' });
    const decision = decide(stored(), expire(), moment(OVER));
    expect(decision).toMatchObject({
      kind: 'changed',
      action: 'instance.health_changed',
      reason: `the lease of 30 s ended: no sign of life since ${REGISTERED_AT}`,
      after: {
        instance: { status: 'unhealthy', health: { state: 'unhealthy', decidedBy: 'lease', since: at(OVER) } },
        lease: { renewedAt: REGISTERED_AT, checkedAt: null },
      },
    });
  });

  it('is judged by the clock and not by the time of the log, which may be ahead of it', () => {
    expect(decide(stored(), expire(), moment(OVER - 1, at(3_600 * SECOND))).kind).toBe('unchanged');
    const decision = decide(stored(), expire(), moment(OVER, at(3_600 * SECOND)));
    expect(decision).toMatchObject({ after: { instance: { updatedAt: at(3_600 * SECOND) } } });
  });

  it('does not come where there is none', () => {
    const endless = stored({ check: { kind: 'none', ttlSeconds: null, deregisterAfterSeconds: 900 } });
    expect(decide(endless, expire(), moment(1e10)).kind).toBe('unchanged');
  });

  it.each<Check>([check, { ...check, kind: 'none' }, { ...PROBED, ttlSeconds: 30 }])(
    'comes for a check of kind $kind that has a ttl',
    ownCheck => {
      expect(afterwardsAt(stored({ check: ownCheck }), OVER)).toMatchObject({ health: { decidedBy: 'lease' } });
    },
  );

  it('counts the time until the instance goes from now, though reports had made it unhealthy long ago', () => {
    const health = healthOf({ state: 'unhealthy', failures: 4, output: 'refused', decidedBy: 'report' });
    const after = afterwardsAt(stored({ health }), OVER);
    expect(after.health).toEqual({ ...health, decidedBy: 'lease', since: at(OVER) });
  });

  it('changes what is under an override too, which goes on to be what is seen', () => {
    const after = afterwardsAt(stored({ override: anOverride({ status: 'stopping' }) }), OVER);
    expect(after).toMatchObject({ status: 'stopping', health: { state: 'unhealthy' } });
  });

  it('takes the instance away when it was unhealthy for it as long as it may, and not before', () => {
    const goes = OVER + 900 * SECOND;
    expect(decide(lapsed(), expire(), moment(goes - 1)).kind).toBe('unchanged');
    expect(decide(lapsed(), expire(), moment(goes))).toEqual({
      kind: 'changed',
      action: 'instance.expired',
      before: lapsed(),
      after: undefined,
      reason: `unhealthy for 900 s after the lease ended: no sign of life since ${REGISTERED_AT}`,
    });
  });

  it('begins the time until the instance goes again, once, when the clock was set back since', () => {
    const early = 2 * OVER;
    const ahead = (ms: number) =>
      lapsed({ health: healthOf({ state: 'unhealthy', decidedBy: 'lease', since: at(early + ms) }) });
    const decision = decide(ahead(3_600 * SECOND), expire(), moment(early, at(early + 3_600 * SECOND)));
    expect(decision).toMatchObject({
      kind: 'changed',
      action: 'instance.health_changed',
      reason: `unhealthy since ${at(early + 3_600 * SECOND)} by a clock that was set back: its time begins again`,
      after: {
        instance: { health: { state: 'unhealthy', decidedBy: 'lease', since: at(early) } },
        lease: { renewedAt: REGISTERED_AT },
      },
    });
    const { after } = decision as { after: LeasedInstance };
    expect(decide(after, expire(), moment(early)).kind).toBe('unchanged');
    expect(decide(after, expire(), moment(early + 900 * SECOND))).toMatchObject({ action: 'instance.expired' });
    expect(decide(ahead(AHEAD_TOLERANCE_MS), expire(), moment(early)).kind, 'clocks are read one by one').toBe(
      'unchanged',
    );
    const staying = { ...ahead(3_600 * SECOND).instance, check: { ...check, deregisterAfterSeconds: 0 } };
    expect(decide(stored(staying), expire(), moment(early)).kind, 'where nothing hangs on it').toBe('unchanged');
  });

  it('never takes an instance away that says so, or that is in maintenance', () => {
    const staying = lapsed({ check: { ...check, deregisterAfterSeconds: 0 } });
    const maintained = lapsed({ override: anOverride({ status: 'maintenance' }) });
    for (const instance of [staying, maintained]) {
      expect(decide(instance, expire(), moment(1e10)).kind).toBe('unchanged');
    }
  });

  it.each(['stopping', 'stopped'] as const)('takes away what is %s: it was on its way out', status => {
    expect(decide(lapsed({ override: anOverride({ status }) }), expire(), moment(1e10))).toMatchObject({
      action: 'instance.expired',
    });
  });

  it('does nothing to an instance that has renewed its lease, unhealthy or not', () => {
    const lease = { renewedAt: at(1e9), checkedAt: null };
    for (const current of [stored(), lapsed()]) {
      expect(decide({ ...current, lease }, expire(), moment(1e9 + OVER - 1)).kind).toBe('unchanged');
    }
  });

  it('comes one more ttl after nobody could renew, for leases of that time', () => {
    const recoveringSince = at(3_600 * SECOND);
    const decideAt = (ms: number, maxGraceMs?: number) =>
      decide(stored(), expire({ recoveringSince, ...(maxGraceMs !== undefined && { maxGraceMs }) }), moment(ms)).kind;
    expect(decideAt(3_600 * SECOND + OVER - 1)).toBe('unchanged');
    expect(decideAt(3_600 * SECOND + OVER)).toBe('changed');
    expect(decideAt(3_600 * SECOND + 5 * SECOND + 1_000 - 1, 5 * SECOND), 'but no longer than that').toBe('unchanged');
    expect(decideAt(3_600 * SECOND + 5 * SECOND + 1_000, 5 * SECOND)).toBe('changed');
  });

  it('comes no earlier for an absence that is long over', () => {
    expect(decide(stored(), expire({ recoveringSince: at(-1e9) }), moment(OVER - 1)).kind).toBe('unchanged');
    expect(decide(stored(), expire({ recoveringSince: at(-1e9) }), moment(OVER)).kind).toBe('changed');
  });

  it('is healed by the next heartbeat', () => {
    const heartbeat = { kind: 'heartbeat', target: TARGET } as const;
    expect(afterwards(lapsed(), heartbeat).instance.health).toMatchObject({ state: 'healthy', decidedBy: 'heartbeat' });
  });
});

const setting = (differing: object = {}): Command => ({
  kind: 'set-override',
  target: TARGET,
  status: 'maintenance',
  reason: 'disk swap',
  until: null,
  ...differing,
});

describe('An override', () => {
  it('is kept with who set it and when', () => {
    const { action, after } = changing(stored(), setting({ until: '2026-02-01T00:00:00.000Z' }));
    expect(action).toBe('instance.override_set');
    expect(after?.instance).toMatchObject({
      status: 'maintenance',
      override: {
        status: 'maintenance',
        reason: 'disk swap',
        until: '2026-02-01T00:00:00.000Z',
        setAt: NOW,
        setBy: 'operator',
      },
    });
  });

  it.each([
    ['disk swap', 'disk swap'],
    ['', undefined],
    [null, undefined],
  ])('with the reason %j states %j as that of the change', (reason, statedReason) => {
    const decision = changing(stored(), setting({ reason }));
    expect(decision.after?.instance.override?.reason).toBe(reason);
    expect(decision.statedReason).toBe(statedReason);
  });

  it('set again as it is changes nothing', () => {
    const current = stored({ override: anOverride() });
    expect(decide(current, setting(), MOMENT)).toEqual({ kind: 'unchanged', current, lifeSign: 'none' });
  });

  it.each([{ status: 'stopped' }, { reason: null }, { until: '2026-02-01T00:00:00.000Z' }])(
    'set again with %j is a change',
    differing => {
      expect(changing(stored({ override: anOverride() }), setting(differing)).action).toBe('instance.override_set');
    },
  );

  it.each([NOW, REGISTERED_AT])('cannot end at %s, which is not later than now', until => {
    expect(rejection(decide(stored(), setting({ until }), MOMENT))?.extras.errors).toEqual([
      { path: '/until', message: `must be later than now (${NOW})` },
    ]);
  });

  it('taken back leaves the word to the health', () => {
    const current = stored({ override: anOverride(), health: healthOf({ state: 'degraded' }) });
    const { action, after } = changing(current, { kind: 'clear-override', target: TARGET });
    expect(action).toBe('instance.override_cleared');
    expect(after?.instance).toMatchObject({ status: 'degraded', override: null });
  });

  it('that is not there need not be taken back', () => {
    expect(decide(stored(), CHANGES['clear-override'](), MOMENT)).toMatchObject({
      kind: 'unchanged',
      lifeSign: 'none',
    });
  });

  it.each([
    [null, 'unchanged'],
    ['2026-01-01T00:10:00.001Z', 'unchanged'],
    [NOW, 'changed'],
    [REGISTERED_AT, 'changed'],
  ])('until %s, taken back only if it is over, is %s', (until, kind) => {
    const current = stored({ override: anOverride({ until }) });
    expect(decide(current, { kind: 'clear-override', target: TARGET, onlyIfOver: true }, MOMENT).kind).toBe(kind);
  });
});

const inZone = (zone: string) => ({ onlyIf: (instance: InstanceRecord) => instance.zone === zone });

describe('A command for an instance that was chosen for what it was like', () => {
  it.each<Command>([setting(), { kind: 'clear-override', target: TARGET }])(
    'judges it as it is now: $kind',
    command => {
      const current = stored({ zone: 'a', ...(command.kind === 'clear-override' && { override: anOverride() }) });
      expect(decide(current, { ...command, ...inZone('a') }, MOMENT).kind).toBe('changed');
      const otherwise = { ...command, ...inZone('b') };
      const passedOver = { ...otherwise, whenAbsent: 'ignore' as const };
      expect(decide(current, passedOver, MOMENT)).toEqual({ kind: 'absent' });
      expect(rejection(decide(current, otherwise, MOMENT))?.code).toBe('INSTANCE_NOT_FOUND');
    },
  );
});

describe('isUnchanged', () => {
  it('does not mind the order of keys', () => {
    fc.assert(
      fc.property(someSpecToAsk, spec => {
        expect(isUnchanged(spec, reordered(spec))).toBe(true);
      }),
    );
  });
});

/** A decision without what the time of the log dates. */
function undated(decision: Decision): unknown {
  if (decision.kind === 'rejected') return { code: decision.error.code, extras: decision.error.extras };
  if (decision.kind !== 'changed' || !decision.after) return decision;
  const { lease, instance } = decision.after;
  return { ...decision, after: { lease, instance: { ...instance, registeredAt: '', updatedAt: '' } } };
}

describe('Every decision', () => {
  const someCommandById = commandOn(fc.constant(TARGET));
  const someCase = fc.tuple(fc.option(someLeasedInstance, { nil: undefined }), someCommandById);

  it('is made without an error, and leaves its arguments as they are', () => {
    fc.assert(
      fc.property(someCase, ([current, command]) => {
        expect(decide(frozen(current), frozen(command), frozen({ ...MOMENT })).kind).toMatch(
          /^(changed|unchanged|absent|ended|rejected)$/,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for the same arguments, whatever the order of their keys', () => {
    fc.assert(
      fc.property(someCase, ([current, command]) => {
        const decision = decide(current, command, MOMENT);
        const other = decide(reordered(current), reordered(command), MOMENT);
        // Bad fields are named in the order in which they came.
        if (other.kind === 'rejected') expect(other.error.code).toBe(rejection(decision)?.code);
        else expect(other).toEqual(decision);
      }),
    );
  });

  it('that changes counts the version by one and takes the revision; the status is the override’s or the health’s', () => {
    fc.assert(
      fc.property(someCase, ([current, command]) => {
        const decision = decide(current, command, MOMENT);
        fc.pre(decision.kind === 'changed');
        expect(decision.before).toBe(current);
        if (!decision.after) return;
        const { instance } = decision.after;
        expect(instance.version).toBe((current?.instance.version ?? 0) + 1);
        expect(instance).toMatchObject({ revision: 42, updatedAt: NOW });
        expect(instance.status).toBe(instance.override?.status ?? instance.health.state);
        expect(instance.registeredAt).toBe(current?.instance.registeredAt ?? NOW);
      }),
      { numRuns: 500 },
    );
  });

  it('hangs on the clock alone: the time of the log dates the record, and nothing else', () => {
    const someAhead = fc.integer({ min: 0, max: 400 * 86_400_000 });
    fc.assert(
      fc.property(someCase, someAhead, ([current, command], aheadMs) => {
        const now = new Date(Date.parse(NOW) + aheadMs).toISOString();
        const decision = decide(current, command, { ...MOMENT, now });
        expect(undated(decision)).toEqual(undated(decide(current, command, MOMENT)));
        if (decision.kind !== 'changed' || !decision.after) return;
        const { lease, instance } = decision.after;
        expect(lease.renewedAt <= NOW && (lease.checkedAt ?? '') <= NOW && instance.health.since <= NOW).toBe(true);
        expect(instance.updatedAt).toBe(now);
      }),
      { numRuns: 500 },
    );
  });

  it('that changes nothing gives the very record that was there', () => {
    fc.assert(
      fc.property(someCase, ([current, command]) => {
        const decision = decide(current, command, MOMENT);
        if (decision.kind === 'unchanged') expect(decision.current).toBe(current);
        else expect(decision.kind === 'changed' && decision.before === decision.after).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('that changes is about something else than version, revision and time', () => {
    fc.assert(
      fc.property(someCase, ([current, command]) => {
        const decision = decide(current, command, MOMENT);
        fc.pre(decision.kind === 'changed' && current !== undefined && decision.after !== undefined);
        const { version, revision, updatedAt } = current.instance;
        const after = (decision as { after: LeasedInstance }).after.instance;
        expect({ ...after, version, revision, updatedAt }).not.toEqual(current.instance);
      }),
      { numRuns: 500 },
    );
  });

  it('about a registration is "unchanged" when it is repeated', () => {
    fc.assert(
      fc.property(fc.option(someLeasedInstance, { nil: undefined }), someSpecToAsk, (current, spec) => {
        const command = registerCommand({ spec });
        const first = decide(current, command, MOMENT);
        const then = first.kind === 'changed' ? first.after : current;
        expect(decide(then, command, MOMENT)).toEqual({ kind: 'unchanged', current: then, lifeSign: 'renewal' });
      }),
    );
  });

  it('starts health over exactly if the endpoint or the check changed, or the process before had announced its end', () => {
    const restarts = fc.constantFrom(...HEALTH_STATES);
    fc.assert(
      fc.property(someLeasedInstance, someSpecToAsk, restarts, (leased, spec, state) => {
        // Health that no start gives, so that a start is seen; "lease" and waiting states are healed by registrations.
        const health = healthOf({ state, failures: 9, output: 'before', decidedBy: 'report' });
        const current = { ...leased, instance: { ...leased.instance, health } };
        const decision = decide(current, registerCommand({ spec }), MOMENT);
        const { scheme, host, port, check } = current.instance;
        const same = JSON.stringify([scheme, host, port, reordered(check)]);
        const asked = JSON.stringify([spec.scheme, spec.host, spec.port, reordered(spec.check)]);
        const after = decision.kind === 'changed' ? decision.after!.instance.health : health;
        const startedOver = after.failures === 0 && after.output === '' && after.since === NOW;
        expect(startedOver).toBe(same !== asked || endsWithIncarnation(current.instance.override));
        if (startedOver) expect(after.state).toBe('healthy');
      }),
      { numRuns: 500 },
    );
  });
});

describe('The target of a command', () => {
  it('is the identity of a registration, and what the others name', () => {
    fc.assert(
      fc.property(someIdentity, identity => {
        expect(targetOf(registerCommand({ identity }))).toEqual({ identity });
      }),
    );
    expect(targetOf(CHANGES.heartbeat())).toBe(TARGET);
  });
});

describe('A probe', () => {
  const probed = aSpec({ check: PROBED });
  const refused = { healthy: false, inARow: 1, output: 'refused' };
  const report = (differing: Partial<ReportProbeCommand> = {}): ReportProbeCommand => ({
    kind: 'report-probe',
    target: TARGET,
    probed: { ...probed, incarnationNumber: 1 },
    verdict: refused,
    ...differing,
  });

  it('that changes the state is an event, and says when it looked; it does not renew the lease', () => {
    const { action, after } = changing(stored(probed), report());
    expect(action).toBe('instance.health_changed');
    expect(after?.instance.health).toEqual({
      state: 'degraded',
      failures: 1,
      output: 'refused',
      decidedBy: 'probe',
      since: NOW,
    });
    expect(after?.lease).toEqual({ renewedAt: REGISTERED_AT, checkedAt: NOW });
  });

  it('that finds nothing new is neither an event nor a sign of life', () => {
    const current = stored(probed);
    const verdict = { healthy: true, inARow: 1, output: 'fine' };
    expect(decide(current, report({ verdict }), MOMENT)).toEqual({ kind: 'unchanged', current, lifeSign: 'none' });
  });

  it.each([
    { port: 81 },
    { host: '10.0.3.18' },
    { scheme: 'https' as const },
    { check: { ...PROBED, intervalSeconds: 9 } },
  ])('of what the instance no longer is (now %j) says nothing of it', differing => {
    const current = stored({ ...probed, ...differing });
    expect(decide(current, report(), MOMENT).kind).toBe('unchanged');
  });

  it('of an instance that is not probed any more says nothing of it', () => {
    expect(decide(stored(), report({ probed: stored().instance }), MOMENT).kind).toBe('unchanged');
  });

  it('counts whatever else was registered meanwhile', () => {
    const current = stored({ ...probed, weight: 7, metadata: { version: '9.0.0' }, version: 12 });
    expect(decide(current, report(), MOMENT).kind).toBe('changed');
  });

  it('of an instance that is gone is nothing', () => {
    expect(decide(undefined, report({ whenAbsent: 'ignore' }), MOMENT)).toEqual({ kind: 'absent' });
  });
});

const LONG = '2001:db8:0:0:0:0:0:1';
const sickAt = (host: string) => stored({ host, health: healthOf({ state: 'unhealthy', failures: 3 }) });

describe('A host of earlier times', () => {
  it.each([LONG, '::ffff:10.0.3.17', 'fe80::1%eth0', '0.1.2.3'])(
    'stays as it is when something else is patched: %s',
    host => {
      expect(patched({ weight: 1 }, sickAt(host))).toMatchObject({
        host,
        weight: 1,
        health: sickAt(host).instance.health,
      });
      expect(patching({}, sickAt(host)).kind).toBe('unchanged');
    },
  );

  it('is judged by the rules that hold when it is patched itself', () => {
    const errors = rejection(patching({ host: 'fe80::1%eth0' }, sickAt('fe80::1%eth0')))?.extras.errors;
    expect(errors).toMatchObject([{ path: '/host', message: expect.stringContaining('without a zone') as string }]);
    expect(patched({ host: 'FE80::0:1' }, sickAt('fe80::1%eth0')).host).toBe('fe80::1');
  });

  it.each([
    [LONG, '2001:db8::1'],
    ['::ffff:10.0.3.17', '10.0.3.17'],
  ])('%s is the same endpoint when it is said again as %s: health goes on', (before, host) => {
    const spec = aSpec({ host });
    const after = afterwards(sickAt(before), registerCommand({ spec })).instance;
    expect(after).toMatchObject({ host, version: 8, health: { state: 'unhealthy', failures: 3 } });
    expect(decide({ ...sickAt(before), instance: after }, registerCommand({ spec }), MOMENT)).toMatchObject({
      kind: 'unchanged',
    });
  });

  it('is the endpoint that was probed, also when its spelling changed meanwhile', () => {
    const report: ReportProbeCommand = {
      kind: 'report-probe',
      target: TARGET,
      probed: { ...aSpec({ host: LONG, check: PROBED }), incarnationNumber: 1 },
      verdict: { healthy: false, inARow: 1, output: 'refused' },
    };
    expect(decide(stored({ host: '2001:db8::1', check: PROBED }), report, MOMENT).kind).toBe('changed');
    expect(decide(stored({ host: '2001:db8::2', check: PROBED }), report, MOMENT).kind).toBe('unchanged');
  });
});

describe('A patch that asks for a probe', () => {
  const complaint = { path: '/host', message: 'may not be probed' };
  const patch = (changes: JsonObject) =>
    ({ kind: 'patch', target: TARGET, patch: changes, complaints: () => [complaint] }) as const;

  it('is refused when policy has complaints', () => {
    const asking = patch({ check: { kind: 'tcp' } });
    expect(rejection(decide(stored(), asking, MOMENT))).toMatchObject({ extras: { errors: [complaint] } });
  });

  it('is not judged by policy when it leaves endpoint and check alone, which may have been allowed once', () => {
    expect(decide(stored({ check: PROBED }), patch({ weight: 1 }), MOMENT).kind).toBe('changed');
  });
});
