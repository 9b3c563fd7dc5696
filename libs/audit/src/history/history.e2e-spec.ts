import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES } from '../../../../test/support/http/api.js';
import { type CatalogService, startCatalog } from '../../../../test/support/catalog/catalog-service.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

interface History {
  readonly items: readonly {
    readonly revision: number;
    readonly patch: readonly object[];
    readonly [key: string]: unknown;
  }[];
  readonly nextCursor: string | null;
}

const pathOf = (id: string, query = '') => `/api/v1/audit/instances/${id}/history${query}`;

describe('GET /api/v1/audit/instances/{id}/history', () => {
  it('returns what changed an instance, by whom and why', async () => {
    const { api } = catalog;
    const { id } = await api.register({ instanceId: 'a', zone: 'eu-1' });
    const reason = { 'x-change-reason': 'moved', 'x-request-id': 'the-move' };
    await api.ok('PATCH', `${INSTANCES}/${id}`, { zone: 'eu-2' }, reason);
    await api.ok('DELETE', `${INSTANCES}/${id}`);
    const response = await api.get<History>(pathOf(id.toUpperCase()));
    expect(response.status).toBe(200);
    expect(response.revision).toBeGreaterThanOrEqual(3);
    expect(response.headers.get('x-catalog-epoch')).toMatch(/^[0-9a-f-]{36}$/);
    const [registered, moved, removed] = response.body.items;
    expect(registered).toMatchObject({ action: 'instance.registered', version: 1, instance: { zone: 'eu-1' } });
    expect(moved).toMatchObject({ action: 'instance.updated', reason: 'moved', requestId: 'the-move', version: 2 });
    expect(moved!.patch).toContainEqual({ op: 'replace', path: '/zone', value: 'eu-2' });
    expect(removed).toMatchObject({ action: 'instance.deregistered', instance: null });
    expect(response.body.nextCursor).toBeNull();

    const first = await api.get<History>(pathOf(id, '?order=desc&limit=2'));
    expect(first.body.items).toEqual([removed, moved]);
    const second = await api.get<History>(pathOf(id, `?order=desc&limit=2&cursor=${first.body.nextCursor}`));
    expect(second.body).toEqual({ items: [registered], nextCursor: null, oldestRevision: 0 });
  });

  it.each([
    ['0193b3c8-7a10-7c3e-9f52-6a8d1e4b2fff', '', 404, 'INSTANCE_NOT_FOUND'],
    ['orders-1', '', 400, 'VALIDATION_FAILED'],
    ['0193b3c8-7a10-7c3e-9f52-6a8d1e4b2fff', '?limit=101', 400, 'VALIDATION_FAILED'],
    ['0193b3c8-7a10-7c3e-9f52-6a8d1e4b2fff', '?order=up', 400, 'VALIDATION_FAILED'],
    ['0193b3c8-7a10-7c3e-9f52-6a8d1e4b2fff', '?cursor=x', 400, 'INVALID_CURSOR'],
    ['0193b3c8-7a10-7c3e-9f52-6a8d1e4b2fff', '?unknown=x', 400, 'VALIDATION_FAILED'],
  ])('responds to %s%s with %i %s', async (id, query, status, code) => {
    expect((await catalog.api.get(pathOf(id, query))).body).toMatchObject({ status, code });
  });
});
