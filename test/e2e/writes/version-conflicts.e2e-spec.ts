import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, named } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

const STALE = { 'if-match': '"7"' };
const OTHER = '?incarnation=other';
const change = { weight: 3 };
const override = { status: 'maintenance', reason: 'disk swap' };
const registration = (instanceId: string, fields: object = {}) => ({
  service: 'orders',
  instanceId,
  host: '10.0.0.1',
  port: 80,
  ...fields,
});

describe('An answer that refuses a change of an instance for its version', () => {
  it.each<[method: string, below: string, body: object | undefined]>([
    ['PATCH', '', change],
    ['PUT', '', { ...registration('one'), ...change }],
    ['DELETE', '', undefined],
    ['POST', '/health-reports', { healthy: false }],
    ['PUT', '/override', override],
    ['DELETE', '/override', undefined],
  ])('tells the version that it has as ETag (%s %s)', async (method, below, body) => {
    const { id, version } = await catalog.api.register({ instanceId: 'one' });
    for (const path of [`${INSTANCES}/${id}`, named('one')]) {
      const { status, headers, body: problem } = await catalog.api.send(method, `${path}${below}`, body, STALE);
      expect([status, problem.code, problem.currentVersion]).toEqual([412, 'VERSION_MISMATCH', version]);
      expect(headers.get('etag')).toBe(`"${version}"`);
    }
  });

  it('tells it so that the next change can be made with it', async () => {
    const { version } = await catalog.api.register({ instanceId: 'two' });
    const refused = await catalog.api.send('PATCH', named('two'), change, STALE);
    const tag = refused.headers.get('etag') ?? '';
    const changed = await catalog.api.send('PATCH', named('two'), change, { 'if-match': tag });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, `"${version + 1}"`]);
  });

  it('tells it to who wants to be the first, by either route', async () => {
    const { version } = await catalog.api.register({ instanceId: 'three' });
    const first = { 'if-none-match': '*' };
    for (const answer of [
      await catalog.api.send('POST', INSTANCES, registration('three'), first),
      await catalog.api.send('PUT', named('three'), registration('three'), first),
    ]) {
      expect([answer.status, answer.body.code, answer.body.currentVersion]).toEqual([
        412,
        'ALREADY_REGISTERED',
        version,
      ]);
      expect(answer.headers.get('etag')).toBe(`"${version}"`);
    }
  });

  it('tells it to a process that another one has replaced', async () => {
    await catalog.api.register({ instanceId: 'four', incarnation: 'ended' });
    const { id, version } = await catalog.api.register({ instanceId: 'four', incarnation: 'running' });
    for (const [method, below, body] of [
      ['PUT', '/heartbeat', undefined],
      ['PATCH', '', change],
      ['DELETE', '', undefined],
      ['POST', '/health-reports', { healthy: true }],
    ] as const) {
      const path = `${INSTANCES}/${id}${below}${OTHER}`;
      const { status, headers, body: problem } = await catalog.api.send(method, path, body);
      expect([status, problem.code, problem.currentVersion], path).toEqual([409, 'INCARNATION_ENDED', version]);
      expect(headers.get('etag')).toBe(`"${version}"`);
    }
    const late = await catalog.api.send('POST', INSTANCES, registration('four', { incarnation: 'ended' }));
    expect([late.status, late.headers.get('etag')]).toEqual([409, `"${version}"`]);
  });

  it('has no ETag where it was about many, and the version in its body', async () => {
    await catalog.api.register({ instanceId: 'five', incarnation: 'ended' });
    const { version } = await catalog.api.register({ instanceId: 'five', incarnation: 'running' });
    const instances = [registration('six'), registration('five', { incarnation: 'ended' })];
    const { status, headers, body } = await catalog.api.send('POST', `${INSTANCES}/batch`, { instances });
    expect([status, body.code, body.currentVersion]).toEqual([409, 'INCARNATION_ENDED', version]);
    expect(headers.get('etag')).toBeNull();
  });

  it('has none for other reasons', async () => {
    const gone = await catalog.api.send('PATCH', named('never'), change, STALE);
    expect([gone.status, gone.headers.get('etag')]).toEqual([404, null]);
    const bad = await catalog.api.send('PATCH', named('one'), { weight: -1 });
    expect([bad.status, bad.headers.get('etag')]).toEqual([400, null]);
  });
});
