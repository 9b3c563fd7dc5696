import { newId } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explanation } from '@coordination/liveness/testing';
import { type Api, INSTANCES, LONG_LEASE, named, type Problem } from '../../support/http/api.js';
import { brief, type CatalogService, eventsOf, startCatalog } from '../../support/catalog/catalog-service.js';
import { unhurried } from '../../support/time/slowness.js';
import { waitFor } from '../../support/time/wait-for.js';

interface Version {
  readonly revision: number;
  readonly action: string;
  readonly instanceUuid: string;
  readonly instance: object | null;
  readonly [key: string]: unknown;
}
interface History {
  readonly items: readonly Version[];
  readonly nextCursor: string | null;
  readonly oldestRevision: number;
}

let catalog: CatalogService;
let api: Api;
let other: Api;
let count = 0;

beforeAll(async () => {
  catalog = await startCatalog({
    nodes: 2,
    env: { PCS_LEASE_FLUSH_BOUND_MS: String(unhurried(1_000)), PCS_EMPTY_SERVICES_MAX: '2' },
  });
  [api, other] = catalog.nodes.map(node => node.api) as [Api, Api];
});
afterAll(() => catalog.close());

const historyById = (id: string, query = '') =>
  other.ok<History>('GET', `/api/v1/audit/instances/${id}/history${query}`);
const historyByName = (instanceId: string, service = 'orders', query = '') =>
  other.ok<History>(
    'GET',
    `/api/v1/audit/services/${service}/instances/${encodeURIComponent(instanceId)}/history${query}`,
  );
const explainById = (id: string) => other.ok<Explanation>('GET', `${INSTANCES}/${id}/explain`);
const explainByName = (instanceId: string, service = 'orders') =>
  other.ok<Explanation>('GET', `${named(instanceId, service)}/explain`);

const actionsOf = ({ items }: History) => items.map(({ action }) => action.replace('instance.', ''));
const livesOf = ({ items }: History) => [...new Set(items.map(({ instanceUuid }) => instanceUuid))];

/** Both explanations and both histories of one that is gone, which must tell the same. */
async function told(instanceId: string, id: string, service = 'orders') {
  const [byId, byName] = [await explainById(id), await explainByName(instanceId, service)];
  expect({ ...byName, at: '' }).toEqual({ ...byId, at: '' });
  expect(byId).toMatchObject({ id, instanceId, service, status: 'gone', lease: null, next: [], signs: [], timers: [] });
  const history = await historyById(id);
  expect(history.items.at(-1)).toMatchObject({ instance: null, revision: byId.revision, at: byId.since });
  expect((await historyByName(instanceId, service)).items.slice(-history.items.length)).toEqual(history.items);
  const { removal, because, decidedBy, lastEvents } = byId;
  return { removal, because, decidedBy, lastEvents, history, explanation: byId };
}

describe('An instance that is gone', () => {
  it('is told with who removed it, when, why and by which call', async () => {
    const instanceId = `gone-${++count}`;
    const { id } = await api.register({ instanceId, zone: 'eu-1' });
    await api.ok('POST', `${INSTANCES}/${id}/health-reports`, { healthy: false, output: 'disk full' });
    await api.ok('DELETE', `${INSTANCES}/${id}`, undefined, {
      'x-change-reason': 'the rack is sold',
      'x-request-id': 'sell-the-rack',
    });
    const { removal, because, decidedBy, lastEvents, history, explanation } = await told(instanceId, id);
    const [event] = await eventsOf(api, 'requestId=sell-the-rack');
    expect(removal).toEqual({
      revision: event!.revision,
      at: event!.at,
      action: 'instance.deregistered',
      actor: 'anonymous',
      clientAddress: '127.0.0.1',
      requestId: 'sell-the-rack',
      source: 'api',
      reason: 'the rack is sold',
      batchId: event!.batchId,
      lastStatus: 'degraded',
    });
    expect(decidedBy).toBe('deregistration');
    expect(because).toBe(
      `anonymous deregistered it at ${event!.at}, with the reason “the rack is sold”, by the request “sell-the-rack” from 127.0.0.1. Its status was degraded before.`,
    );
    expect(explanation.health).toMatchObject({ state: 'degraded', output: 'disk full' });
    expect(lastEvents.map(({ action, from, to }) => [action, from, to])).toEqual([
      ['instance.deregistered', 'degraded', null],
      ['instance.health_changed', 'healthy', 'degraded'],
    ]);
    expect(actionsOf(history)).toEqual(['registered', 'health_changed', 'deregistered']);
    expect(history.items.at(-1)).toMatchObject({ requestId: 'sell-the-rack', source: 'api', batchId: event!.batchId });
    // Reading it is as ever.
    for (const path of [`${INSTANCES}/${id}`, named(instanceId)]) {
      const { status, body } = await api.get(path);
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'INSTANCE_NOT_FOUND' });
      expect(body.detail).toContain('history');
    }
  });

  it('is told when many were deregistered at once', async () => {
    const names = [1, 2, 3].map(n => `bulk-${++count}-${n}`);
    const ids: string[] = [];
    for (const instanceId of names) ids.push((await api.register({ instanceId })).id);
    await api.ok('POST', '/api/v1/registry/deregistrations', { ids }, { 'x-request-id': 'all-of-them' });
    const removals = [];
    for (const [n, instanceId] of names.entries()) removals.push((await told(instanceId, ids[n]!)).removal!);
    expect(removals.map(({ requestId }) => requestId)).toEqual(Array(3).fill('all-of-them'));
    expect(new Set(removals.map(({ batchId }) => batchId)).size).toBe(1);
  });

  it('is told when its lease ended, with its override', async () => {
    const instanceId = `lease-${++count}`;
    // So long that the override is set before.
    const check = { kind: 'heartbeat', ttlSeconds: unhurried(2), deregisterAfterSeconds: 1 };
    const { id } = await api.register({ instanceId, check });
    await api.ok('PUT', `${named(instanceId)}/override`, { status: 'stopping', reason: 'new version' });
    await waitFor('it is gone', async () => (await api.get(`${INSTANCES}/${id}`)).status === 404);
    const { removal, because, decidedBy, explanation, history } = await told(instanceId, id);
    expect(removal).toMatchObject({ action: 'instance.expired', actor: 'system:liveness', requestId: null });
    expect(removal!.lastStatus).toBe('stopping');
    expect(decidedBy).toBe('lease');
    expect(because).toContain('no sign of life since');
    expect(explanation.override).toMatchObject({ status: 'stopping', reason: 'new version' });
    expect(actionsOf(history)).toEqual(['registered', 'override_set', 'health_changed', 'expired']);
  });

  it('is told when its service was dropped since', async () => {
    const services = [1, 2, 3, 4].map(n => `dropped-${++count}-${n}`);
    const ids: string[] = [];
    for (const service of services) {
      const { id } = await api.register({ service, instanceId: 'only' });
      ids.push(id);
      await api.ok('DELETE', `${INSTANCES}/${id}`);
    }
    await waitFor('the first service is dropped', async () => {
      const drops = await eventsOf(api, 'action=catalog.empty_services_dropped');
      const upTo = (drops.at(-1)?.after as { upTo: { revision: number } } | undefined)?.upTo.revision ?? 0;
      return upTo >= (await eventsOf(api, `instance=${ids[0]}`)).at(-1)!.revision;
    });
    for (const [n, service] of services.entries()) {
      const { removal, history } = await told('only', ids[n]!, service);
      expect(removal).toMatchObject({ action: 'instance.deregistered' });
      expect(actionsOf(history)).toEqual(['registered', 'deregistered']);
    }
  });

  it('is one of several that had a name: all lives are told in order, and the last one is explained', async () => {
    const instanceId = `lives-${++count}`;
    const ids: string[] = [];
    for (const zone of ['a', 'b', 'c']) {
      const { id } = await api.register({ instanceId, zone, incarnation: `first-${zone}` });
      ids.push(id);
      await api.ok('PUT', named(instanceId), { host: '10.0.0.9', port: 9, zone, check: LONG_LEASE, incarnation: zone });
      await api.ok('DELETE', named(instanceId), undefined, { 'x-change-reason': `end of ${zone}` });
    }
    const life = ['registered', 'incarnation_started', 'deregistered'];
    const whole = await historyByName(instanceId);
    expect(actionsOf(whole)).toEqual([...life, ...life, ...life]);
    expect(livesOf(whole)).toEqual(ids);
    expect(whole.items.map(({ revision }) => revision)).toEqual(
      whole.items.map(({ revision }) => revision).toSorted((a, b) => a - b),
    );
    expect(whole).toMatchObject({ nextCursor: null, oldestRevision: 0 });

    // By pages, and backwards.
    const walked: Version[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: History = await historyByName(
        instanceId,
        'ORDERS',
        `?order=desc&limit=2&cursor=${cursor}`.replace(/&cursor=$/, ''),
      );
      walked.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(walked.toReversed()).toEqual(whole.items);

    const { removal, explanation } = await told(instanceId, ids[2]!);
    expect(removal!.reason).toBe('end of c');
    expect(explanation).toMatchObject({ incarnation: 'c', incarnationNumber: 2 });
    // Each of those before is told by its id, and that nobody has the name now.
    const first = await explainById(ids[0]!);
    expect(first).toMatchObject({ status: 'gone', removal: { reason: 'end of a' }, incarnation: 'a' });
    expect(first.lastEvents.map(({ action }) => action)).toEqual(['instance.deregistered', 'instance.registered']);

    const now = await api.register({ instanceId, zone: 'd' });
    expect(await explainByName(instanceId)).toMatchObject({ id: now.id, status: 'healthy', removal: null });
    expect((await explainById(ids[2]!)).notes.join(' ')).toContain(now.id);
    const longer = await historyByName(instanceId);
    expect(livesOf(longer)).toEqual([...ids, now.id]);
    expect(longer.items.slice(0, -1)).toEqual(whole.items);
  });

  it('is told at every moment while its name is taken and given up again and again', async () => {
    const instanceId = `comes-and-goes-${++count}`;
    await api.register({ instanceId });
    const over = new AbortController();
    const statuses: string[] = [];
    const versions: number[] = [];
    const readers = [
      async () => void statuses.push((await explainByName(instanceId)).status),
      async () => void versions.push((await historyByName(instanceId)).items.length),
    ].map(async ask => {
      while (!over.signal.aborted) await ask();
    });
    const isEnough = () => versions.length >= 20 && new Set(statuses).size === 2;
    const writer = async () => {
      for (let n = 0; n < 20 || (n < 300 && !isEnough()); n++) {
        await api.ok('DELETE', named(instanceId));
        await api.register({ instanceId });
      }
    };
    await Promise.all([...readers, writer().finally(() => over.abort())]);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect([...new Set(statuses)].sort()).toEqual(['gone', 'healthy']);
  });

  it('is told under a name that has to be escaped in a path', async () => {
    const { id, instanceId } = await api.register({ host: '2001:db8::1', port: 80, service: 'v6' });
    expect(instanceId).toBe('[2001:db8::1]:80');
    await api.ok('DELETE', `${INSTANCES}/${id}`);
    await told(instanceId, id, 'v6');
  });

  it('is told apart from those of the same name in another namespace or service', async () => {
    const instanceId = `same-${++count}`;
    const places = [
      { namespace: 'shop', service: 'orders' },
      { namespace: 'default', service: 'billing' },
    ];
    for (const place of places) {
      const { id } = await api.register({ ...place, instanceId });
      await api.ok('DELETE', `${INSTANCES}/${id}`);
      const query = `?namespace=${place.namespace}`;
      expect(livesOf(await historyByName(instanceId, place.service, query))).toEqual([id]);
      const explained = await api.ok<Explanation>('GET', `${named(instanceId, place.service)}/explain${query}`);
      expect(explained).toMatchObject({ id, ...place, status: 'gone' });
    }
    expect((await api.get(`/api/v1/audit/services/orders/instances/${instanceId}/history`)).status).toBe(404);
    expect((await api.get(`${named(instanceId)}/explain`)).status).toBe(404);
  });
});

describe('An instance that never was', () => {
  it.each([
    `/api/v1/audit/instances/${newId()}/history`,
    `/api/v1/audit/services/orders/instances/nobody/history`,
    `/api/v1/audit/services/nothing/instances/nobody/history?namespace=nowhere`,
    `${INSTANCES}/${newId()}/explain`,
    `${named('nobody')}/explain`,
  ])('is 404, and told never to have been: %s', async path => {
    const { body } = await api.get<Problem & { oldestRevision?: number }>(path);
    expect(body).toMatchObject({ status: 404, code: 'INSTANCE_NOT_FOUND' });
    expect(body.detail).toMatch(/^No instance was ever registered as /);
    expect(body.oldestRevision).toBeUndefined();
  });

  it.each([
    ['/api/v1/audit/services/Orders!/instances/a/history', '/path/service'],
    ['/api/v1/audit/services/orders/instances/a%20b/history', '/path/instanceId'],
    ['/api/v1/audit/services/orders/instances/a/history?namespace=*', '/query/namespace'],
    ['/api/v1/audit/services/orders/instances/a/history?limit=101', '/query/limit'],
    ['/api/v1/audit/services/orders/instances/a/history?order=up', '/query/order'],
    ['/api/v1/audit/services/orders/instances/a/history?since=1', '/query/since'],
  ])('is no answer to a bad question: %s', async (path, at) => {
    expect(brief((await api.get(path)).body)).toEqual({ status: 400, code: 'VALIDATION_FAILED', at: [at] });
  });

  it('takes no cursor of another name, or of an id', async () => {
    const instanceId = `cursors-${++count}`;
    const { id } = await api.register({ instanceId });
    await api.ok('DELETE', `${INSTANCES}/${id}`);
    const { nextCursor } = await historyByName(instanceId, 'orders', '?limit=1');
    for (const path of [
      `/api/v1/audit/services/orders/instances/x-${instanceId}/history?cursor=${nextCursor}`,
      `/api/v1/audit/services/orders/instances/${instanceId}/history?order=desc&cursor=${nextCursor}`,
      `/api/v1/audit/instances/${id}/history?cursor=${nextCursor}`,
    ]) {
      expect((await api.get(path)).body).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    }
  });
});
