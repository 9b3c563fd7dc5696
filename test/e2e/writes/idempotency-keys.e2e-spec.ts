import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, named, type Problem } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { brief, type CatalogService, eventsOf, startCatalog } from '../../support/catalog/catalog-service.js';
import { metricOf } from '../../support/nodes/metrics.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2 });
});
afterAll(() => catalog.close());
afterEach(async () => {
  await assertCatalogInvariants(catalog.database.url);
});

const keyed = (key: string) => ({ 'idempotency-key': key });
const BAD_KEY = { status: 400, code: 'VALIDATION_FAILED', at: ['/header/idempotency-key'] };

/** Reports a failure: each that counts raises the number of failures and the version. */
const report = (id: string, key: string, node = 0, output = 'slow') =>
  catalog.nodes[node]!.api.send<LeasedView>(
    'POST',
    `${INSTANCES}/${id}/health-reports`,
    { healthy: false, output },
    keyed(key),
  );

describe('a key', () => {
  it.each([
    ['empty', ''],
    ['longer than 255 characters', 'k'.repeat(256)],
    ['with a space', 'a b'],
    ['with a tab', 'a\tb'],
    ['beyond ASCII', 'schlüssel'],
  ])('that is %s is refused, with everything else that is wrong', async (_what, key) => {
    const { body } = await catalog.api.send('POST', INSTANCES, { service: 'orders' }, keyed(key));
    expect(brief(body)).toEqual(BAD_KEY);
  });

  it('that is sent twice is refused', async () => {
    const { hostname, port } = new URL(catalog.api.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `DELETE ${named('nobody')} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n`,
    );
    const answer = await text(socket);
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Problem;
    expect(brief(problem)).toEqual(BAD_KEY);
  });

  it.each(['k'.repeat(255), '"quoted"', '__proto__', 'constructor', `';drop--`, '%00', '\\u0000', '{}', '~!@#$^&*()'])(
    'such as %s is as good as any',
    async key => {
      const { id } = await catalog.api.register({
        service: 'keys',
        instanceId: Buffer.from(key).toString('hex').slice(0, 99),
      });
      const answers = [await report(id, key), await report(id, key, 1)];
      expect(answers.map(({ body }) => body.version)).toEqual([2, 2]);
      const other = await report(id, key, 0, 'another');
      expect(other.status).toBe(422);
      // The next instance has the key anew.
      await catalog.sql(`delete from idempotency_key where key = $1`, [key]);
    },
  );

  it('of a read, or of a heartbeat, does nothing', async () => {
    const { id } = await catalog.api.register({ service: 'keys', instanceId: 'beating', status: 'starting' });
    const paths = [`${INSTANCES}/${id}/heartbeat`, `${named('beating', 'keys')}/heartbeat`];
    for (const path of [...paths, ...paths]) {
      const { status, headers } = await catalog.api.send('PUT', path, undefined, keyed('beat'));
      expect([status, headers.get('idempotency-replayed')]).toEqual([204, null]);
    }
    const many = { ids: [id] };
    const bulk = [many, { ids: [id, crypto.randomUUID()] }].map(body =>
      catalog.api.send('POST', '/api/v1/registry/heartbeats', body, keyed('beat')),
    );
    expect((await Promise.all(bulk)).map(({ status, body }) => [status, body])).toEqual([
      [200, { renewed: 1, notFound: [] }],
      [200, { renewed: 1, notFound: [expect.any(String)] }],
    ]);
    const read = await catalog.api.get(`${INSTANCES}/${id}`, keyed('beat'));
    expect([read.status, read.headers.get('idempotency-replayed')]).toEqual([200, null]);
    expect(await catalog.sql(`select from idempotency_key where key = 'beat'`)).toEqual([]);
  });
});

describe('a request under a key', () => {
  it('that was bad can be corrected under the same key', async () => {
    const { id } = await catalog.api.register({ service: 'keys', instanceId: 'corrected' });
    const send = (weight: unknown) => catalog.api.send('PATCH', `${INSTANCES}/${id}`, { weight }, keyed('corrected'));
    expect((await send('heavy')).status).toBe(400);
    expect((await send(-1)).status).toBe(400);
    expect(await send(7)).toMatchObject({ status: 200, body: { version: 2, weight: 7 } });
    expect((await send(8)).status).toBe(422);
  });

  it('that was rejected is rejected alike when it would succeed, with the first version', async () => {
    const { id } = await catalog.api.register({ service: 'keys', instanceId: 'stale' });
    const send = (node: number) =>
      catalog.nodes[node]!.api.send(
        'PATCH',
        `${INSTANCES}/${id}`,
        { weight: 7 },
        { 'if-match': '"2"', ...keyed('stale') },
      );
    const first = await send(0);
    await catalog.api.ok('PATCH', `${INSTANCES}/${id}`, { weight: 1 });
    const again = await send(1);
    expect(first.body).toMatchObject({ code: 'VERSION_MISMATCH', currentVersion: 1 });
    expect(again.body).toEqual({ ...first.body, requestId: again.body.requestId });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await catalog.api.read(id)).toMatchObject({ version: 2, weight: 1 });
  });

  it('is carried out anew a day later', async () => {
    const { id } = await catalog.api.register({ service: 'keys', instanceId: 'daily' });
    await report(id, 'daily');
    await catalog.sql(`update idempotency_key set at = at - interval '24 hours' where key = 'daily'`);
    const anew = await report(id, 'daily', 1);
    expect([anew.body.version, anew.headers.get('idempotency-replayed')]).toEqual([3, null]);
    expect((await report(id, 'daily')).body).toEqual(anew.body);
  });

  it('that only renews the lease is kept as well, and its repetition renews nothing', async () => {
    const body = {
      service: 'keys',
      host: '10.0.0.1',
      port: 1,
      instanceId: 'again',
      check: { kind: 'none', ttlSeconds: 60 },
    };
    const { id } = await catalog.api.register(body);
    const first = await catalog.api.send<LeasedView>('POST', INSTANCES, body, keyed('renewing'));
    await catalog.api.ok('PATCH', `${INSTANCES}/${id}`, { weight: 3 });
    await catalog.sql(`update idempotency_key set at = at - interval '1 hour' where key = 'renewing'`);
    const again = await catalog.nodes[1]!.api.send<LeasedView>('POST', INSTANCES, body, keyed('renewing'));
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toEqual(first.body);
    expect(await catalog.api.read(id)).toMatchObject({ weight: 3, version: 2 });
  });

  it('that fills its body to the brim is answered alike', async () => {
    const instances = Array.from({ length: 1_000 }, (_, n) => ({
      service: 'brim',
      instanceId: `b-${n}`,
      host: '10.0.0.1',
      port: 80,
      metadata: { text: 'x'.repeat(900) },
    }));
    const send = (node: number) =>
      catalog.nodes[node]!.api.send<{ results: unknown[] }>('POST', `${INSTANCES}/batch`, { instances }, keyed('brim'));
    const first = await send(0);
    expect([first.status, first.body.results.length]).toEqual([200, 1_000]);
    const again = await send(1);
    expect(JSON.stringify(again.body) === JSON.stringify(first.body)).toBe(true);
    expect(await eventsOf(catalog.api, 'service=brim')).toHaveLength(1_000);
  });

  it('shows in the metrics when it comes again, or when it is another one', async () => {
    const { id } = await catalog.api.register({ service: 'keys', instanceId: 'counted' });
    const before = await metricOf(catalog.api, 'pcs_idempotency_key_reuses_total').catch(() => 0);
    await report(id, 'counted');
    await report(id, 'counted');
    await report(id, 'counted', 0, 'another');
    expect(await metricOf(catalog.api, 'pcs_idempotency_key_reuses_total')).toBe(before + 2);
  });
});
