import * as fc from 'fast-check';
import {
  type Check,
  type Health,
  identityKey,
  type Incarnations,
  INSTANCE_TYPES,
  type InstanceIdentity,
  type InstanceSpec,
  type LeasedInstance,
  type Override,
  OVERRIDE_STATUSES,
  SCHEMES,
} from '@coordination/catalog';
import { type JsonObject, type JsonValue } from '@coordination/kernel';
import { HEALTH_DECIDERS, HEALTH_STATES, INITIAL_STATES, OVERRIDE_SCOPES } from '@coordination/catalog/testing';
import { type Command, type Target } from '@coordination/registry';
import { type ExpectedVersion } from '@coordination/registry/testing';
import { anInstance, NOW, REGISTERED_AT } from '../catalog/factories.js';

/** Times that may lie before or after the present of a test. */
const BEFORE_NOW = [REGISTERED_AT, '2026-01-01T00:05:00.000Z'] as const;
const AFTER_NOW = ['2026-01-01T00:10:00.001Z', '2026-02-01T00:00:00.000Z'] as const;

/** Keys that have bitten JavaScript programs, and plain ones. */
const aKey = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c', 'version', 'tags', 'ä/~') },
  { weight: 1, arbitrary: fc.constantFrom('constructor', 'toString', 'hasOwnProperty', '') },
);

const aScalar: fc.Arbitrary<string | number | boolean | null> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.constantFrom('', 'x', 'ü€😀', '2.4.1'),
);

/** JSON of little depth with few keys, so that two of them often have something in common. */
export const aJson: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue; object: JsonObject }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    aScalar,
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(aKey, tie('value'), { maxKeys: 4 }),
})).value;

/** Metadata as callers may send it. */
export const someMetadata: fc.Arbitrary<JsonObject> = fc.record(
  {
    version: fc.constantFrom('1.0.0', '2.4.1'),
    tags: fc.dictionary(fc.constantFrom('team', 'constructor'), fc.constantFrom('a', 'b')),
    capabilities: fc.array(fc.constantFrom('refund', 'pay'), { maxLength: 2 }),
    anything: aJson,
  },
  { requiredKeys: [] },
);

const ttl = fc.constantFrom(1, 30, 86_400);
const deregisterAfterSeconds = fc.constantFrom(0, 900);
const probing = {
  ttlSeconds: fc.option(ttl),
  deregisterAfterSeconds,
  intervalSeconds: fc.constant(30),
  timeoutSeconds: fc.constant(10),
  failureThreshold: fc.constantFrom(1, 3, 5),
  successThreshold: fc.constantFrom(1, 2),
};

/** A check that a caller may ask for today. */
export const aCheckToAsk: fc.Arbitrary<Check> = fc.oneof(
  fc.record({ kind: fc.constant('heartbeat' as const), ttlSeconds: ttl, deregisterAfterSeconds }),
  fc.record({ kind: fc.constant('none' as const), ttlSeconds: fc.option(ttl), deregisterAfterSeconds }),
);

/** Any check that the catalog knows. */
export const aCheck: fc.Arbitrary<Check> = fc.oneof(
  aCheckToAsk,
  fc.record({
    kind: fc.constant('http' as const),
    method: fc.constantFrom('GET' as const, 'HEAD' as const),
    path: fc.constant('/health'),
    expectedStatuses: fc.constant('200-299'),
    headers: fc.constantFrom<Readonly<Record<string, string>>>({}, { accept: 'text/plain' }),
    tlsVerify: fc.boolean(),
    ...probing,
  }),
  fc.record({ kind: fc.constant('tcp' as const), ...probing }),
  fc.record({
    kind: fc.constant('grpc' as const),
    serviceName: fc.constantFrom('', 'orders'),
    tlsVerify: fc.boolean(),
    ...probing,
  }),
);

const specWith = (check: fc.Arbitrary<Check>): fc.Arbitrary<InstanceSpec> =>
  fc.record({
    type: fc.constantFrom(...INSTANCE_TYPES),
    scheme: fc.constantFrom(...SCHEMES),
    host: fc.constantFrom('10.0.3.17', 'orders.example.org', '2001:db8::1'),
    port: fc.constantFrom(1, 8080, 65_535),
    zone: fc.constantFrom(null, 'eu-1a'),
    weight: fc.constantFrom(0, 100, 10_000),
    metadata: someMetadata,
    check,
  });

/** Any spec that the catalog may hold. */
export const someSpec = specWith(aCheck);

/** A spec that a caller may ask for today: one that a merge patch leaves valid. */
export const someSpecToAsk = specWith(aCheckToAsk);

/** One of a few identities, so that commands meet. */
export const someIdentity: fc.Arbitrary<InstanceIdentity> = fc.record({
  namespace: fc.constantFrom('default', 'shop'),
  service: fc.constantFrom('orders', 'billing'),
  instanceId: fc.constantFrom('a', 'b', 'c'),
});

export const someHealth: fc.Arbitrary<Health> = fc.record({
  state: fc.constantFrom(...HEALTH_STATES),
  failures: fc.nat({ max: 5 }),
  output: fc.constantFrom('', 'connection refused'),
  decidedBy: fc.constantFrom(...HEALTH_DECIDERS),
  since: fc.constantFrom(...BEFORE_NOW),
});

/** Overrides of both scopes, and as they were stored before there were any. */
export const someOverride: fc.Arbitrary<Override> = fc.record(
  {
    status: fc.constantFrom(...OVERRIDE_STATUSES),
    scope: fc.constantFrom(...OVERRIDE_SCOPES),
    reason: fc.constantFrom(null, 'disk swap'),
    until: fc.constantFrom(null, ...BEFORE_NOW, ...AFTER_NOW),
    setAt: fc.constant(REGISTERED_AT),
    setBy: fc.constantFrom('anonymous', 'operator'),
  },
  { requiredKeys: ['status', 'reason', 'until', 'setAt', 'setBy'] },
);

/** One of a few incarnations, so that commands speak for the current one, an ended one and a new one. */
export const someIncarnation = fc.constantFrom('boot-1', 'boot-2', 'boot-3', 'boot-4');

/** What is known of the processes that ran under a name. */
const someIncarnations: fc.Arbitrary<Incarnations> = fc
  .record({
    current: fc.option(someIncarnation),
    ended: fc.uniqueArray(someIncarnation, { maxLength: 3 }),
    more: fc.nat({ max: 3 }),
  })
  .map(({ current, ended, more }) => {
    const others = ended.filter(text => text !== current);
    return {
      incarnation: current,
      incarnationNumber: 1 + others.length + more,
      ...(others.length > 0 && { endedIncarnations: others }),
    };
  });

/** An instance in any state, registered before {@link NOW}. */
export const someLeasedInstance: fc.Arbitrary<LeasedInstance> = fc
  .record({
    id: fc.uuid({ version: 7 }),
    identity: someIdentity,
    spec: someSpec,
    health: someHealth,
    override: fc.option(someOverride),
    incarnations: someIncarnations,
    version: fc.integer({ min: 1, max: 9 }),
    checkedAt: fc.constantFrom(null, ...BEFORE_NOW),
  })
  .map(({ id, identity, spec, health, override, incarnations, version, checkedAt }) => ({
    instance: anInstance({ id, ...identity, ...spec, health, override, ...incarnations, version, revision: version }),
    lease: { renewedAt: REGISTERED_AT, checkedAt },
  }));

/** Instances of a catalog: each has an identity of its own. */
export const someFound: fc.Arbitrary<LeasedInstance[]> = fc.uniqueArray(someLeasedInstance, {
  selector: ({ instance }) => identityKey(instance),
  maxLength: 6,
});

/** What an `If-Match` may ask for; small versions, so that it is often right. */
export const someExpectedVersion: fc.Arbitrary<ExpectedVersion> = fc.oneof(
  fc.constant(undefined),
  fc.constant('*' as const),
  fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
);

const somePatch: fc.Arbitrary<JsonObject> = fc.record(
  {
    type: fc.constantFrom(...INSTANCE_TYPES, 'nonsense', null),
    host: fc.constantFrom('10.0.0.9', 'HOST.example.org', '0.0.0.0', null),
    port: fc.constantFrom(1, 8080, 0, 'x', null),
    zone: fc.constantFrom('eu-1b', null, ''),
    weight: fc.constantFrom(0, 7, -1, null),
    metadata: fc.oneof(someMetadata, fc.constant(null), fc.constant('text')),
    check: fc.constantFrom<JsonValue>({ ttlSeconds: 60 }, { kind: 'none' }, { kind: 'http' }, null, 'none'),
    service: fc.constantFrom('orders', 'billing', null),
    unknown: aJson,
  },
  { requiredKeys: [] },
);

/** Any command on targets of the given kind. */
export const commandOn = (target: fc.Arbitrary<Target>): fc.Arbitrary<Command> => {
  const incarnation = fc.option(someIncarnation, { nil: undefined });
  const targeted = { target, ifMatch: someExpectedVersion, incarnation };
  const initialState = fc.constantFrom(undefined, ...INITIAL_STATES);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('register' as const),
        id: fc.uuid({ version: 7 }),
        identity: someIdentity,
        spec: someSpecToAsk,
        initialState,
        mustBeNew: fc.boolean(),
        ifMatch: someExpectedVersion,
        incarnation,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('replace' as const),
        ...targeted,
        spec: someSpecToAsk,
        initialState,
        claimed: fc.record(
          { namespace: fc.constant('default'), service: fc.constant('orders'), instanceId: fc.constant('a') },
          { requiredKeys: [] },
        ),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('patch' as const), ...targeted, patch: somePatch }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('deregister' as const),
        ...targeted,
        whenAbsent: fc.constantFrom('reject' as const, 'ignore' as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('report-health' as const),
        ...targeted,
        report: fc.record({ healthy: fc.boolean(), output: fc.constantFrom('', 'slow') }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record(
        {
          kind: fc.constant('heartbeat' as const),
          ...targeted,
          whenAbsent: fc.constantFrom('reject' as const, 'ignore' as const),
        },
        { requiredKeys: ['kind', 'target'] },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('set-override' as const),
        ...targeted,
        status: fc.constantFrom(...OVERRIDE_STATUSES),
        scope: fc.constantFrom(undefined, ...OVERRIDE_SCOPES),
        reason: fc.constantFrom(null, 'disk swap'),
        until: fc.constantFrom(null, NOW, ...AFTER_NOW),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('clear-override' as const), ...targeted, onlyIfOver: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('expire' as const),
        target: target as fc.Arbitrary<{ readonly id: string }>,
        ifMatch: someExpectedVersion,
        whenAbsent: fc.constantFrom('reject' as const, 'ignore' as const),
        allowance: fc.record({
          flushBoundMs: fc.constant(1_000),
          recoveringSince: fc.constantFrom(null, ...BEFORE_NOW),
          maxGraceMs: fc.constant(600_000),
          stalls: fc.constantFrom([], [{ from: BEFORE_NOW[0], until: BEFORE_NOW[1], ms: 20_000 }]),
        }),
      }),
    },
  );
};

/** Any command by identity, on one of the few that {@link someIdentity} makes. */
export const someCommand = commandOn(someIdentity.map(identity => ({ identity })));

/** The same JSON with the keys of all its objects in another order. */
export function reordered<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reordered) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, reordered(member)] as const);
  return Object.fromEntries(entries.toReversed()) as T;
}

/** Freezes a value through and through, so that whoever changes it throws. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}
