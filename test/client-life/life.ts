import { type components } from './api.js';
import { type Call } from './client.js';

type Schemas = components['schemas'];

/** A service that is well when it can be called at all. */
class Unexpected extends Error {}

function present<T>(answer: { readonly data: T | undefined; readonly error: unknown }): NonNullable<T> {
  if (answer.data === undefined || answer.data === null) throw new Unexpected(JSON.stringify(answer.error));
  return answer.data;
}

const CHECKS: readonly Schemas['CheckInput'][] = [
  { kind: 'heartbeat' },
  { kind: 'heartbeat', ttlSeconds: 600, deregisterAfterSeconds: 0 },
  { kind: 'none', ttlSeconds: null },
  { kind: 'http', path: '/up', method: 'HEAD', headers: { 'x-probe': '1' } },
  { kind: 'tcp', intervalSeconds: 5 },
  { kind: 'grpc', serviceName: 'orders', tlsVerify: false },
];

/** What a check asks for, told by its kind. */
export function described(check: Schemas['Check']): string {
  switch (check.kind) {
    case 'heartbeat':
    case 'none':
      return `${check.kind} ${check.ttlSeconds ?? 'for ever'}`;
    case 'http':
      return `${check.method} ${check.path} each ${check.intervalSeconds} s`;
    case 'tcp':
      return `connect each ${check.intervalSeconds} s`;
    case 'grpc':
      return `ask ${check.serviceName} each ${check.intervalSeconds} s`;
    default: {
      const impossible: never = check;
      return impossible;
    }
  }
}

/** What an event of a watch says, told by its name. */
export function told(event: Schemas['WatchEvent']): string {
  switch (event.event) {
    case 'snapshot':
      return `${event.data.instances.length} at ${event.data.revision}`;
    case 'bookmark':
      return `nothing up to ${event.data.revision}`;
    case 'reset':
      return `begin anew: ${event.data.reason}`;
    default:
      return `${event.event}: ${event.data.action} of ${event.data.instance.instanceId}`;
  }
}

/** What to do about a failure, told by its code. */
export function remedyOf(problem: Schemas['Problem']): string {
  switch (problem.code) {
    case 'VERSION_MISMATCH':
      return `read again: version ${problem.currentVersion ?? 0}`;
    case 'VALIDATION_FAILED':
      return (problem.errors ?? []).map(({ path, message }) => `${path} ${message}`).join();
    case 'INSTANCE_NOT_FOUND':
      return 'register again';
    default:
      return problem.detail;
  }
}

/** The life of a client, from its registration to its end, with what operators do meanwhile. @returns what it saw */
export async function life(call: Call) {
  const minimal = present(
    await call('post', '/api/v1/registry/instances', { body: { service: 'life', host: '10.0.0.1', port: 80 } }),
  );
  const checks: string[] = [];
  for (const [n, check] of CHECKS.entries()) {
    const { check: given } = present(
      await call('post', '/api/v1/registry/instances', {
        params: {
          query: { namespace: 'checks' },
          header: { 'X-Change-Reason': 'a new kind', 'Idempotency-Key': `kind-${n}` },
        },
        body: {
          service: 'life',
          instanceId: `life-${n}`,
          incarnation: 'first',
          type: 'worker',
          scheme: 'grpc',
          host: '127.0.0.1',
          port: 1,
          zone: n === 0 ? null : 'eu-1a',
          weight: 50,
          metadata: { version: '1.2.3', tags: { team: 'checkout' }, capabilities: ['refund'], cores: 8 },
          check,
        },
      }),
    );
    checks.push(described(given));
  }

  const { id, instanceId } = minimal;
  const path = { id };
  await call('put', '/api/v1/registry/instances/{id}/heartbeat', { params: { path } });
  const reported = present(
    await call('post', '/api/v1/registry/instances/{id}/health-reports', {
      params: { path },
      body: { healthy: false, output: 'full' },
    }),
  );
  const overridden = present(
    await call('put', '/api/v1/registry/services/{service}/instances/{instanceId}/override', {
      params: { path: { service: 'life', instanceId } },
      body: { status: 'maintenance', scope: 'instance', until: '2099-01-01T00:00:00Z', reason: 'a new disk' },
    }),
  );
  const until: string | null | undefined = overridden.override?.until;

  const { instances, counts } = present(
    await call('get', '/api/v1/discovery/services/{service}/instances', {
      params: { path: { service: 'life' }, query: { status: ['maintenance', 'healthy'], tag: [] } },
    }),
  );
  const explained = present(await call('get', '/api/v1/registry/instances/{id}/explain', { params: { path } }));
  await call('delete', '/api/v1/registry/instances/{id}/override', { params: { path } });
  const resolved = present(
    await call('get', '/api/v1/discovery/services/{service}/resolve', {
      params: { path: { service: 'life' }, query: { strategy: 'weighted', zoneThreshold: 0 } },
    }),
  );

  const ordered = present(
    await call('post', '/api/v1/liveness/guard', {
      body: { action: 'force', scope: { service: 'life' }, reason: 'a drill' },
    }),
  );
  await call('post', '/api/v1/liveness/guard', { body: { action: 'force', scope: 'all', reason: 'a greater drill' } });
  const overview = present(await call('get', '/api/v1/liveness', {}));
  const held = overview.guards.map(({ active, scope, phase, limit }) =>
    active ? `${scope.kind} ${phase} ${limit}` : '',
  );

  const batch = present(
    await call('post', '/api/v1/registry/instances/batch', {
      body: { instances: [{ service: 'life', instanceId: 'other', host: '10.0.0.2', port: 80 }] },
    }),
  );
  const outcomes: Schemas['RegistrationOutcome'][] = batch.results.map(({ outcome }) => outcome);
  const audited = present(
    await call('get', '/api/v1/audit/events', { params: { query: { service: 'life', limit: 10, order: 'asc' } } }),
  );
  const taken = present(
    await call('delete', '/api/v1/registry/overrides', { params: { query: { service: 'life', all: false } } }),
  );

  const stale = await call('patch', '/api/v1/registry/instances/{id}', {
    params: { path, header: { 'If-Match': '"99"' } },
    body: { weight: 1 },
  });
  const remedies = stale.error ? [remedyOf(stale.error)] : [];
  await call('delete', '/api/v1/registry/instances/{id}', { params: { path } });
  const gone = await call('put', '/api/v1/registry/instances/{id}/heartbeat', { params: { path } });
  if (gone.error) remedies.push(remedyOf(gone.error));

  return {
    checks,
    held,
    outcomes,
    remedies,
    until,
    listed: [instances.length, counts.total],
    explained: [explained.decidedBy, explained.guard?.phase ?? null],
    chosen: [resolved.url, resolved.instance.health.state],
    health: reported.health.state,
    ordered: [ordered.action, ordered.scope.kind],
    audited: audited.items.map(({ action, revision }) => (revision > 0 ? action : 'never')),
    cleared: taken.unchanged,
  };
}
