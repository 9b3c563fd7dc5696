import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reordered } from '../../support/laws/arbitraries.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type CatalogService, headOf, startCatalog } from '../../support/catalog/catalog-service.js';
import {
  readTrial,
  readTrials,
  requestOf,
  sendTrial,
  type Trial,
  type TrialRequest,
} from '../../support/openapi/openapi-trials.js';

/** Heartbeats are the only writes that have no use for a key. */
const HEARTBEATS: ReadonlySet<string> = new Set(['renewLease', 'renewLeaseByName', 'renewLeases']);

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2 });
});
afterAll(async () => {
  await assertCatalogInvariants(catalog.database.url);
  await catalog.close();
});

const isWrite = ({ path, method }: Trial) => path.startsWith('/api/') && method !== 'GET';

const withHeaders = (request: TrialRequest, headers: Readonly<Record<string, string>>): TrialRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
});

/** What a caller sees of an answer; headers that are of the request or the moment alone are left out. */
async function seen(answer: Response) {
  const {
    date: _date,
    'x-request-id': _id,
    'idempotency-replayed': replayed,
    ...headers
  } = Object.fromEntries(answer.headers);
  return { replayed, rest: { status: answer.status, headers, text: await answer.text() } };
}

/** Another request of the same operation: that it is a good one shows by its not being refused as a bad one. */
function changed(body: Record<string, unknown>): Record<string, unknown> {
  if ('ids' in body) return { ids: [...(body['ids'] as string[]), '01890000-0000-7000-8000-000000000000'] };
  if ('instances' in body) return { instances: (body['instances'] as object[]).map(one => ({ ...one, weight: 77 })) };
  if ('healthy' in body) return { ...body, output: 'another' };
  if ('reason' in body || ('status' in body && !('host' in body))) return { ...body, reason: 'another' };
  return { ...body, weight: 77 };
}

describe('every write of the API', () => {
  it('says that it takes a key, and what that means', async () => {
    const trials = (await readTrials(catalog.api)).filter(isWrite);
    expect(trials.length).toBeGreaterThan(10);
    for (const { operation } of trials) {
      const { operationId, parameters = [], responses } = operation;
      const takesKey = parameters.some(({ name, in: place }) => place === 'header' && name === 'Idempotency-Key');
      expect([operationId, takesKey]).toEqual([operationId, !HEARTBEATS.has(operationId)]);
      if (!takesKey) continue;
      expect(responses['422']?.description, operationId).toContain('IDEMPOTENCY_MISMATCH');
      for (const [status, { headers }] of Object.entries(responses)) {
        if (status.startsWith('2')) expect(headers, operationId).toHaveProperty('Idempotency-Replayed');
      }
    }
  });

  it('answers the same request under the same key as the first time, on every node, and does nothing', async () => {
    const [first, second] = catalog.nodes as [CatalogService['nodes'][0], CatalogService['nodes'][0]];
    const strange = withHeaders(requestOf(await readTrial(first.api, 'registerInstance')), {});
    for (const { operation } of (await readTrials(first.api)).filter(isWrite)) {
      const { operationId } = operation;
      if (HEARTBEATS.has(operationId)) continue;
      const key = { 'idempotency-key': `key-of-${operationId}` };
      const request = withHeaders(requestOf(await readTrial(first.api, operationId)), key);
      const told = await seen(await sendTrial(first.api, request));
      expect(told, `${operationId}: ${told.rest.text}`).toMatchObject({ replayed: undefined });
      expect(told.rest.status, `${operationId}: ${told.rest.text}`).toBeLessThan(300);
      const head = await headOf(first.api);

      const again = { replayed: 'true', rest: told.rest };
      expect(await seen(await sendTrial(first.api, request)), operationId).toEqual(again);
      expect(await seen(await sendTrial(second.api, request)), operationId).toEqual(again);
      const sameBody = { ...request, body: reordered(request.body) };
      expect(await seen(await sendTrial(second.api, sameBody)), operationId).toEqual(again);

      const others = [
        withHeaders(request, { 'x-change-reason': 'another' }),
        withHeaders(request, { 'if-match': '*' }),
      ];
      if (request.body) others.push({ ...request, body: changed(request.body as Record<string, unknown>) });
      others.push(withHeaders({ ...strange, target: `${strange.target}?namespace=elsewhere` }, key));
      for (const other of others) {
        const refused = await seen(await sendTrial(second.api, other));
        expect(refused.rest.text, operationId).toContain('IDEMPOTENCY_MISMATCH');
        expect(refused).toMatchObject({ replayed: undefined, rest: { status: 422 } });
      }
      expect(await headOf(first.api), `${operationId} had another effect`).toBe(head);
    }
  });

  it('but heartbeats, which take a key and have no use for it', async () => {
    await catalog.api.register({ service: 'beating', instanceId: 'b' });
    for (const operationId of HEARTBEATS) {
      const request = requestOf(await readTrial(catalog.api, operationId));
      const keyed = withHeaders(request, { 'idempotency-key': 'beat' });
      for (let n = 0; n < 2; n++) {
        const { replayed, rest } = await seen(await sendTrial(catalog.api, keyed));
        // Whether the examples' instance is there still does not matter here.
        expect([rest.status, replayed, rest.text]).toEqual([
          expect.any(Number),
          undefined,
          expect.not.stringContaining('key'),
        ]);
        expect([200, 204, 404]).toContain(rest.status);
      }
    }
  });

  it('that computes something by itself answers it as the first time', async () => {
    const force = { action: 'force', scope: 'all', reason: 'maintenance of the network' };
    const send = (node: number) =>
      catalog.nodes[node]!.api.send('POST', '/api/v1/liveness/guard', force, { 'idempotency-key': 'guard' });
    const first = await send(0);
    expect(first.body).toMatchObject({ until: expect.any(String) });
    expect((await send(1)).body).toEqual(first.body);
  });
});
