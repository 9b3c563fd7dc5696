import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogEvent } from '@coordination/log';
import { INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { type CatalogService, eventsOf, startCatalog } from '../../support/catalog/catalog-service.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ env: { PCS_TRUSTED_PROXIES: '127.0.0.1' } });
});
afterAll(() => catalog.close());

const SPEC = { host: '10.0.0.1', port: 8080 };
let calls = 0;

/** Each call with an origin of its own, and what the log has of it afterwards. */
async function noted(method: string, path: string, body?: unknown): Promise<LogEvent[]> {
  const requestId = `call-${++calls}`;
  await catalog.api.ok(method, path, body, {
    'x-request-id': requestId,
    'x-change-reason': `because of ${calls}`,
    'x-forwarded-for': `192.0.2.${calls}`,
  });
  return await eventsOf(catalog.api, `requestId=${requestId}`);
}

const origin = () => ({
  actor: 'anonymous',
  source: 'api',
  requestId: `call-${calls}`,
  reason: `because of ${calls}`,
  clientAddress: `192.0.2.${calls}`,
});

describe('the log has of every kind of change who made it, from where, and why', () => {
  it('through every route, with what was before and after', async () => {
    const registered = await noted('POST', INSTANCES, { ...SPEC, service: 'orders', instanceId: 'a' });
    expect(registered).toMatchObject([{ ...origin(), action: 'instance.registered', version: 1, before: null }]);
    const id = registered[0]?.instanceUuid ?? '';
    const byId = `${INSTANCES}/${id}`;
    for (const [action, method, path, body] of [
      ['instance.updated', 'PUT', byId, { ...SPEC, weight: 1 }],
      ['instance.updated', 'PATCH', byId, { weight: 2 }],
      ['instance.updated', 'POST', INSTANCES, { ...SPEC, service: 'orders', instanceId: 'a', weight: 3 }],
      ['instance.updated', 'PUT', named('a'), { ...SPEC, weight: 4 }],
      ['instance.updated', 'PATCH', named('a'), { weight: 5 }],
      [
        'instance.updated',
        'POST',
        `${INSTANCES}/batch`,
        { instances: [{ ...SPEC, service: 'orders', instanceId: 'a' }] },
      ],
      ['instance.health_changed', 'POST', `${byId}/health-reports`, { healthy: false }],
      ['instance.health_changed', 'POST', `${named('a')}/health-reports`, { healthy: true }],
      ['instance.override_set', 'PUT', `${byId}/override`, { status: 'maintenance' }],
      ['instance.override_cleared', 'DELETE', `${byId}/override`, undefined],
      ['instance.override_set', 'PUT', `${named('a')}/override`, { status: 'stopped' }],
      ['instance.override_cleared', 'DELETE', `${named('a')}/override`, undefined],
    ] as const) {
      const [event, ...others] = await noted(method, path, body);
      expect(others).toEqual([]);
      expect(event, `${method} ${path}`).toMatchObject({ ...origin(), action, instanceUuid: id });
      expect(event?.before).toMatchObject({ version: (event?.version ?? 0) - 1 });
      expect(event?.after).toMatchObject({ version: event?.version, revision: event?.revision });
    }
    const [gone] = await noted('DELETE', byId);
    expect(gone).toMatchObject({ ...origin(), action: 'instance.deregistered', after: null, before: { id } });
  });

  it('a heartbeat that heals, and many deregistrations', async () => {
    const { id } = await catalog.api.register({ instanceId: 'b', status: 'starting' });
    const [healed] = await noted('PUT', `${INSTANCES}/${id}/heartbeat`);
    expect(healed).toMatchObject({ ...origin(), action: 'instance.health_changed', after: { status: 'healthy' } });
    const [gone] = await noted('POST', '/api/v1/registry/deregistrations', { ids: [id] });
    expect(gone).toMatchObject({ ...origin(), action: 'instance.deregistered' });
  });

  it.each([
    ['by id', (id: string) => `${INSTANCES}/${id}/override`],
    ['by name', () => `${named('why')}/override`],
  ])(
    'an override %s with its own reason where the request gives none, once however often it is sent',
    async (how, path) => {
      const { id } = await catalog.api.register({ instanceId: 'why' });
      const override = { status: 'maintenance', reason: `disk swap ${how}` };
      const key = { 'idempotency-key': `why-${how.replace(' ', '-')}` };
      const first = await catalog.api.send('PUT', path(id), override, key);
      const again = await catalog.api.send('PUT', path(id), override, key);
      expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 200, 'true']);
      await catalog.api.ok('PUT', path(id), { ...override, status: 'stopped' }, { 'x-change-reason': 'the header' });
      await catalog.api.ok('DELETE', path(id));
      const told = (
        await eventsOf(catalog.api, `instance=${id}&action=instance.override_set,instance.override_cleared`)
      )
        .slice(-3)
        .map(({ action, reason, after }) => [action, reason, (after as LeasedView).override?.reason]);
      expect(told).toEqual([
        ['instance.override_set', override.reason, override.reason],
        ['instance.override_set', 'the header', override.reason],
        ['instance.override_cleared', null, undefined],
      ]);
      await catalog.api.ok('DELETE', `${INSTANCES}/${id}`);
      expect(await catalog.api.ok('GET', '/api/v1/audit/verify')).toMatchObject({ valid: true });
    },
  );

  it('requests of one group commit each with their own', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `together-${n}`);
    await Promise.all(
      ids.map(instanceId =>
        catalog.api.register({ instanceId }, { 'x-request-id': instanceId, 'x-change-reason': instanceId }),
      ),
    );
    for (const instanceId of ids) {
      const [event] = await eventsOf(catalog.api, `requestId=${instanceId}`);
      expect(event).toMatchObject({ instanceId, reason: instanceId });
    }
  });
});

describe('what callers say of themselves', () => {
  it('is absent where they say nothing', async () => {
    const { id } = await catalog.api.register({ instanceId: 'silent' });
    const [event] = await eventsOf(catalog.api, `instance=${id}`);
    expect(event).toMatchObject({ reason: null, clientAddress: '127.0.0.1' });
    expect(event?.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('may be in any script, up to 500 characters', async () => {
    const reason = 'größer 数 😀'.padEnd(501, '.'); // 500 characters, one of them a surrogate pair
    const header = Buffer.from(reason).toString('latin1');
    const { id } = await catalog.api.register({ instanceId: 'wordy' }, { 'x-change-reason': header });
    expect((await eventsOf(catalog.api, `instance=${id}`))[0]?.reason).toBe(reason);
    const answer = await catalog.api.send('DELETE', `${INSTANCES}/${id}`, undefined, {
      'x-change-reason': `${header}!`,
    });
    expect(answer.body).toMatchObject({ status: 400, errors: [{ path: '/header/x-change-reason' }] });
    expect((await catalog.api.read(id)).version).toBe(1);
  });

  it('is replaced where a request id is not sane', async () => {
    const answer = await catalog.api.send<LeasedView>(
      'POST',
      INSTANCES,
      { ...SPEC, service: 'orders', instanceId: 'odd' },
      { 'x-request-id': 'a b; drop table' },
    );
    const given = answer.headers.get('x-request-id') ?? '';
    expect(given).toMatch(/^[0-9a-f-]{36}$/);
    expect((await eventsOf(catalog.api, `instance=${answer.body.id}`))[0]?.requestId).toBe(given);
  });
});
