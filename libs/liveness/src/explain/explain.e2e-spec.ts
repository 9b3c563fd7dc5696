import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, named } from '../../../../test/support/http/api.js';
import {
  brief,
  type CatalogService,
  eventsOf,
  headOf,
  startCatalog,
} from '../../../../test/support/catalog/catalog-service.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { type Explanation } from './explanation.js';

let catalog: CatalogService;
let count = 0;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2, env: { PCS_LEASE_FLUSH_BOUND_MS: String(unhurried(1_000)) } });
});
afterAll(() => catalog.close());

const register = (fields: object = {}) => catalog.api.register({ instanceId: `i-${++count}`, ...fields });
const explanation = (id: string) => catalog.api.ok<Explanation>('GET', `${INSTANCES}/${id}/explain`);

const revisionOf = async (id: string) => (await eventsOf(catalog.api, `instance=${id}`))[0]!.revision;

describe('The explanation of an instance', () => {
  it('has why it is healthy, and what happens without further heartbeats', async () => {
    const { id, instanceId, expiresAt } = await register({ check: { ttlSeconds: 30 } });
    const byId = await explanation(id);
    expect(byId).toMatchObject({
      id,
      instanceId,
      status: 'healthy',
      decidedBy: 'registration',
      override: null,
      lease: { ttlSeconds: 30, expiresAt, deregisterAt: null },
      lastEvents: [{ action: 'instance.registered', from: null, to: 'healthy', actor: 'anonymous' }],
    });
    // A machine that pauses for seconds causes a report by itself.
    expect([null, 'node-stalled', 'store-away']).toContain(byId.guard?.reason ?? null);
    expect(byId.next.map(({ event, status }) => [event, status])).toEqual([
      ['lease-ends', 'unhealthy'],
      ['deregistered', null],
    ]);
    const { at: _at, ...rest } = await catalog.api.ok<Explanation>('GET', `${named(instanceId)}/explain`);
    expect(rest).toMatchObject({ id, because: byId.because, since: byId.since });
  });

  it('predicts what happens, and when', async () => {
    // So long that the forecast is read before it comes true.
    const { id } = await register({ check: { ttlSeconds: unhurried(2), deregisterAfterSeconds: 1 } });
    const { next } = await explanation(id);
    const [lapse] = next;
    expect(lapse?.event).toBe('lease-ends');
    await waitFor('it is unhealthy', async () => {
      const body = await explanation(id);
      if (body.status === 'gone') return true;
      if (body.decidedBy !== 'lease') return false;
      expect(body).toMatchObject({ status: 'unhealthy', lease: { remainingSeconds: 0 } });
      expect(body.next.map(({ event }) => event)).toEqual(['deregistered']);
      expect(body.lease?.deregisterAt).toBe(body.next[0]!.when);
      return true;
    });
    await waitFor('it is gone', async () => (await catalog.api.get(`${INSTANCES}/${id}`)).status === 404);
    const [ended, gone] = await eventsOf(catalog.api, `instance=${id}&afterRevision=${await revisionOf(id)}`);
    expect([ended?.action, gone?.action]).toEqual(['instance.health_changed', 'instance.expired']);
    expect(ended!.at >= lapse!.when, `${ended!.at} is not before ${lapse!.when}`).toBe(true);
    expect(gone!.at >= new Date(Date.parse(ended!.at) + 1_000).toISOString()).toBe(true);
  });

  it('follows reports and overrides, through any node', async () => {
    const { id } = await register();
    const report = { healthy: false, output: 'queue is full' };
    await catalog.api.ok('POST', `${INSTANCES}/${id}/health-reports`, report);
    const other = catalog.nodes[1]!.api;
    const ill = await other.ok<Explanation>('GET', `${INSTANCES}/${id}/explain`);
    expect(ill).toMatchObject({ status: 'degraded', decidedBy: 'report' });
    expect(ill.because).toContain('“queue is full”');
    expect(ill.signs.find(({ sign }) => sign === 'report-healthy')).toMatchObject({ status: 'healthy' });

    const until = '2199-01-01T00:00:00.000Z';
    await catalog.api.ok('PUT', `${INSTANCES}/${id}/override`, { status: 'maintenance', reason: 'disk swap', until });
    const held = await explanation(id);
    expect(held).toMatchObject({ status: 'maintenance', decidedBy: 'operator', override: { until } });
    expect(held.timers.map(({ what }) => what)).toContain('override-until');
    expect(held.lastEvents[0]).toMatchObject({ action: 'instance.override_set', from: 'degraded', to: 'maintenance' });
    expect(held.since).toBe(held.lastEvents[0]!.at);
  });

  it('makes no revision', async () => {
    const { id } = await register();
    const head = await headOf(catalog.api);
    const answer = await catalog.api.get(`${INSTANCES}/${id}/explain`);
    expect(answer.revision).toBe(head);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await headOf(catalog.api)).toBe(head);
  });

  it.each([
    [`${INSTANCES}/0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f99/explain`, { status: 404, code: 'INSTANCE_NOT_FOUND' }],
    [`${named('nobody')}/explain`, { status: 404, code: 'INSTANCE_NOT_FOUND' }],
    [`${INSTANCES}/seven/explain`, { status: 400, code: 'VALIDATION_FAILED', at: ['/path/id'] }],
    [`${named('a')}/explain?why=not`, { status: 400, code: 'VALIDATION_FAILED', at: ['/query/why'] }],
  ])('of %s is rejected', async (path, problem) => {
    expect(brief((await catalog.api.get(path)).body)).toEqual(problem);
  });
});
