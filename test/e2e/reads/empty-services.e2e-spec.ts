import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, INSTANCES } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import {
  type CatalogNode,
  type CatalogService,
  eventsOf,
  headOf,
  startCatalog,
  startNode,
} from '../../support/catalog/catalog-service.js';
import { metricOf } from '../../support/nodes/metrics.js';
import { waitFor } from '../../support/time/wait-for.js';

const DISCOVERY = '/api/v1/discovery';
const DROPPED = 'action=catalog.empty_services_dropped';
const ENV = { PCS_EMPTY_SERVICES_MAX: '1' };

interface Listed {
  readonly revision: number;
  readonly instances: readonly { readonly instanceId: string }[];
}

let catalog: CatalogService;
let late: CatalogNode;
let apis: readonly Api[];
let writing: Api;

/** What a node said of `gone` while it had an instance, when that had gone, and which revisions those were. */
let living: { readonly etag: string; readonly revision: number };
let removed: { readonly etag: string; readonly revision: number };
let floor: number;

const instancesOf = (service: string, namespace = 'default') =>
  `${DISCOVERY}/services/${service}/instances?namespace=${namespace}`;

const etagOf = ({ headers }: { readonly headers: Headers }): string => headers.get('etag')!;

const register = (service: string, namespace = 'default', api = writing) =>
  api.register({ namespace, service, instanceId: 'only', check: { kind: 'none' } });

async function comeAndGo(service: string, namespace = 'default'): Promise<number> {
  const { id } = await register(service, namespace);
  return (await writing.send('DELETE', `${INSTANCES}/${id}`)).revision;
}

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2, env: ENV });
  writing = catalog.nodes[0]!.api;
  await register('stays');
  const { id } = await register('gone');
  const before = await writing.get<Listed>(instancesOf('gone'));
  living = { etag: etagOf(before), revision: before.body.revision };
  await writing.ok('DELETE', `${INSTANCES}/${id}`);
  const after = await writing.get<Listed>(instancesOf('gone'));
  removed = { etag: etagOf(after), revision: after.body.revision };
  await comeAndGo('gone-later');
  await waitFor('something is dropped', async () => (await eventsOf(writing, DROPPED)).length > 0);
  floor = (await eventsOf(writing, DROPPED))[0]!.revision;
  late = await startNode(catalog.database.url, ENV);
  apis = [...catalog.nodes.map(({ api }) => api), late.api];
  for (const api of apis) await api.get(`${instancesOf('gone')}&minRevision=${floor}`);
});

afterAll(async () => {
  await late.close();
  await catalog.close();
});

describe('a service that was dropped', () => {
  it('has a later revision than it ever had, and one ETag on all nodes, by which it is not told again', async () => {
    expect(removed.revision).toBeGreaterThan(living.revision);
    const etags = new Set<string>();
    for (const api of apis) {
      const { status, body, headers } = await api.get<Listed>(instancesOf('gone'), { 'if-none-match': removed.etag });
      expect({ status, ...body }).toMatchObject({ status: 200, revision: floor, instances: [] });
      etags.add(headers.get('etag')!);
    }
    expect(floor).toBeGreaterThan(removed.revision);
    const [etag, ...others] = etags;
    expect(others).toEqual([]);
    await register('something-else');
    for (const api of apis) {
      expect((await api.get(instancesOf('gone'), { 'if-none-match': etag! })).status).toBe(304);
      expect(etagOf(await api.get(instancesOf('never-was')))).toBe(etag);
    }
  });

  it('leaves others as they are', async () => {
    const epoch = etagOf(await writing.get(instancesOf('stays'))).slice(1, 9);
    for (const api of apis) {
      expect(etagOf(await api.get(instancesOf('stays')))).toBe(`"${epoch}-1"`);
      const unknown = await api.get<Listed>(instancesOf('never-was', 'another-namespace'));
      expect(unknown.body.revision, 'as of now, where nothing was dropped').toBe(unknown.revision);
    }
  });

  it('is told at once to whoever has not heard of its end, on a node that cannot know better, and then waited for', async () => {
    for (const since of [living.revision, removed.revision - 1]) {
      for (const api of apis) {
        const { body, revision } = await api.get<Listed>(`${instancesOf('gone')}&since=${since}&waitSeconds=60`);
        expect(body.instances).toEqual([]);
        expect(revision).toBeGreaterThanOrEqual(floor);
      }
    }
    const since = await headOf(writing);
    const held = apis.map(api => api.get<Listed>(`${instancesOf('comes-back')}&since=${since}&waitSeconds=60`));
    for (const api of apis) await waitFor('it is held', async () => (await metricOf(api, 'pcs_waiting_reads')) === 1);
    const { revision } = await register('comes-back', 'default', late.api);
    expect(revision).toBeGreaterThan(floor);
    for (const answer of await Promise.all(held)) {
      expect(answer.body).toMatchObject({ revision, instances: [{ instanceId: 'only' }] });
    }
  });

  it('is told to whoever waits for it when its last instance goes, though it is dropped soon after', async () => {
    const { id, revision: since } = await register('short-lived');
    const held = apis.map(api => api.get<Listed>(`${instancesOf('short-lived')}&since=${since}&waitSeconds=60`));
    for (const api of apis) await waitFor('it is held', async () => (await metricOf(api, 'pcs_waiting_reads')) === 1);
    await writing.ok('DELETE', `${INSTANCES}/${id}`);
    await comeAndGo('after-that');
    for (const { body } of await Promise.all(held)) expect(body.instances).toEqual([]);
  });

  it('is the same in lists of all nodes, from memory and from the database', async () => {
    await comeAndGo('only-one', 'left-empty');
    await comeAndGo('after-that');
    await waitFor('its namespace is dropped', async () => {
      const floors = await catalog.sql<{ namespace: string }>('select namespace from namespace_floor');
      return floors.some(({ namespace }) => namespace === '*');
    });
    const minRevision = await headOf(writing);
    for (const namespace of ['default', 'left-empty', 'never-was']) {
      const etags = new Set<string>();
      for (const api of apis) {
        for (const filter of ['', '&type=api']) {
          const path = `${DISCOVERY}/services?namespace=${namespace}&minRevision=${minRevision}${filter}`;
          etags.add(etagOf(await api.get(path)));
        }
      }
      expect([...etags], namespace).toHaveLength(1);
    }
    for (const api of apis) {
      const { body } = await api.get<{ namespaces: { namespace: string }[] }>(`${DISCOVERY}/namespaces`);
      expect(body.namespaces.map(({ namespace }) => namespace)).toEqual(['default']);
    }
  });

  it('is in the past as before', async () => {
    const { body } = await writing.get<Listed>(`${instancesOf('gone')}&asOf=${living.revision}`);
    expect(body).toMatchObject({ revision: living.revision, instances: [{ instanceId: 'only' }] });
    const now = await writing.get<Listed>(`${instancesOf('gone')}&asOf=${await headOf(writing)}`);
    expect(now.body).toMatchObject({ revision: removed.revision, instances: [] });
    expect((await eventsOf(writing, 'service=gone')).map(({ action }) => action)).toEqual([
      'instance.registered',
      'instance.deregistered',
    ]);
  });

  it('is not resolved, and no guard can be ordered for it', async () => {
    const resolved = await writing.get(`${DISCOVERY}/services/gone/resolve`);
    expect(resolved.body.code).toBe('NO_INSTANCE_AVAILABLE');
    const order = { scope: { namespace: 'default', service: 'gone' }, action: 'force', reason: 'why' };
    const { status, body } = await writing.send('POST', '/api/v1/liveness/guard', order);
    expect({ status, path: body.errors?.[0]?.path }).toEqual({ status: 400, path: '/scope/service' });
  });

  it('is told of in the log, which makes of the catalog what the tables are', async () => {
    const [event] = await eventsOf(writing, DROPPED);
    expect(event).toMatchObject({
      actor: 'system:catalog',
      source: 'system',
      service: null,
      before: null,
      after: { upTo: { namespace: 'default', service: 'gone', revision: removed.revision } },
    });
    const { body } = await writing.get<{ valid: boolean }>('/api/v1/audit/verify');
    expect(body.valid).toBe(true);
    await assertCatalogInvariants(catalog.database.url);
    expect(await metricOf(writing, 'pcs_view_empty_services')).toBeLessThanOrEqual(1);
  });
});
