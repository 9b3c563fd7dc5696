import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, type Problem } from '../../../../test/support/http/api.js';
import {
  brief,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
} from '../../../../test/support/catalog/catalog-service.js';
import { unhurried } from '../../../../test/support/time/slowness.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

const OVERRIDES = '/api/v1/registry/overrides';

interface Result {
  readonly revision: number;
  readonly matched: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly instances: readonly Pick<LeasedView, 'id' | 'instanceId' | 'status' | 'version'>[];
}

let catalog: CatalogService;
let namespace: string;
let count = 0;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2 });
});
afterAll(() => catalog.close());

/** A namespace of its own for each test, with instances of two services on two hosts in two zones. */
beforeEach(async () => {
  namespace = `n-${++count}`;
  for (const [n, service] of ['orders', 'orders', 'orders', 'mail'].entries()) {
    await catalog.api.register({
      namespace,
      service,
      instanceId: `i-${n}`,
      host: `10.0.0.${(n % 2) + 1}`,
      zone: n < 2 ? 'a' : 'b',
      metadata: { tags: { team: 'x' }, rank: n },
    });
  }
});

const put = <T = Result>(selector: object, override: object = { status: 'maintenance' }, headers = {}, node = 0) =>
  catalog.nodes[node]!.api.send<T>('PUT', OVERRIDES, { selector: { namespace, ...selector }, ...override }, headers);

const clear = <T = Result>(query: string, node = 0) =>
  catalog.nodes[node]!.api.send<T>('DELETE', `${OVERRIDES}?namespace=${namespace}&${query}`);

const names = ({ instances }: Result) => instances.map(({ instanceId }) => instanceId);

const overridden = async (node = 0) => {
  const { api } = catalog.nodes[node]!;
  const all = [...(await discover(api, 'orders', namespace)).instances];
  all.push(...(await discover(api, 'mail', namespace)).instances);
  return all.filter(({ override }) => override !== null).map(({ instanceId }) => instanceId);
};

describe('PUT of overrides', () => {
  it.each([
    [{ service: 'orders' }, ['i-0', 'i-1', 'i-2']],
    [{ host: '10.0.0.2' }, ['i-3', 'i-1']],
    [{ zone: 'b' }, ['i-3', 'i-2']],
    [{ zone: 'a', host: '10.0.0.1' }, ['i-0']],
    [{ filter: 'metadata.rank >= 1 and service == "orders"' }, ['i-1', 'i-2']],
    [{ filter: 'instanceId matches "[03]$"' }, ['i-3', 'i-0']],
    [{ metadata: { rank: 2 } }, ['i-2']],
    [{ tag: 'team=x', service: 'mail' }, ['i-3']],
    [{ zone: 'nowhere' }, []],
  ])('takes what %j means, and nothing else', async (selector, expected) => {
    const { status, body } = await put(selector);
    expect(status).toBe(200);
    expect(names(body)).toEqual(expected);
    expect(body).toMatchObject({ matched: expected.length, changed: expected.length, unchanged: 0 });
    expect((await overridden()).sort()).toEqual([...expected].sort());
    for (const { status, version } of body.instances)
      expect({ status, version }).toEqual({ status: 'maintenance', version: 2 });
  });

  it('is one transaction, with the actor and reason of the request', async () => {
    const before = await headOf(catalog.api);
    const headers = { 'x-change-reason': 'new switches', 'x-request-id': `req-${namespace}` };
    const override = { status: 'stopping', reason: 'rack 7', until: '2199-01-01T01:00:00+01:00' };
    const { body, revision } = await put({ service: 'orders' }, override, headers);
    const events = await eventsOf(catalog.api, `namespace=${namespace}&afterRevision=${before}`);
    expect(events.map(event => event.revision)).toEqual([before + 1, before + 2, before + 3]);
    expect([body.revision, revision]).toEqual([before + 3, before + 3]);
    expect(new Set(events.map(({ batchId }) => batchId)).size).toBe(1);
    for (const { action, reason, requestId, source, after } of events) {
      expect({ action, reason, requestId, source }).toEqual({
        action: 'instance.override_set',
        reason: 'new switches',
        requestId: `req-${namespace}`,
        source: 'api',
      });
      expect(after).toMatchObject({
        status: 'stopping',
        override: { status: 'stopping', reason: 'rack 7', until: '2199-01-01T00:00:00.000Z' },
      });
    }
  });

  it('has its own reason in the log if the request has none, and in the record in any case', async () => {
    const override = { status: 'stopping', reason: 'rack 7 gets switches' };
    const { body } = await put({ service: 'orders' }, override, { 'x-request-id': `why-${namespace}` });
    const events = await eventsOf(catalog.api, `requestId=why-${namespace}&reason=RACK%207`);
    expect(events).toHaveLength(body.changed);
    for (const { reason, after } of events)
      expect({ reason, after }).toMatchObject({ reason: override.reason, after: { override } });
    expect(await eventsOf(catalog.api, `requestId=why-${namespace}`)).toHaveLength(body.changed);
  });

  it('makes no revision if nothing changes', async () => {
    await put({ zone: 'a' });
    const { body } = await put({ service: 'orders' });
    expect(body).toMatchObject({ matched: 3, changed: 1, unchanged: 2 });
    const head = await headOf(catalog.api);
    expect((await put({ service: 'orders' })).body).toMatchObject({ matched: 3, changed: 0, revision: head });
    expect(await headOf(catalog.api)).toBe(head);
  });

  it('covers other namespaces, or all instances, only on request', async () => {
    await catalog.api.register({
      namespace: `${namespace}-b`,
      service: 'orders',
      instanceId: 'b',
      host: `h-${namespace}`,
    });
    await catalog.api.register({ namespace, service: 'orders', instanceId: 'a', host: `h-${namespace}` });
    expect(names((await put({ host: `h-${namespace}` })).body)).toEqual(['a']);
    expect(names((await put({ host: `h-${namespace}`, namespace: '*' }, { status: 'stopped' })).body)).toEqual([
      'a',
      'b',
    ]);
    expect((await put({ all: true }, { status: 'stopped' })).body).toMatchObject({ matched: 5, changed: 4 });
  });

  it('covers on every node what was acknowledged by another, also by status', async () => {
    for (let n = 0; n < 20; n++) {
      await catalog.nodes[n % 2]!.api.register({ namespace, service: 'fresh', instanceId: `f-${n}` });
      const { body } = await put({ service: 'fresh', status: 'healthy' }, { status: 'stopped' }, {}, (n + 1) % 2);
      expect(names(body)).toEqual([`f-${n}`]);
    }
  });

  it('changes nothing when it is rejected', async () => {
    const head = await headOf(catalog.api);
    const past = await put<Problem>({ service: 'orders' }, { status: 'stopped', until: '2001-01-01T00:00:00Z' });
    expect(brief(past.body)).toEqual({ status: 400, code: 'VALIDATION_FAILED', at: ['/until'] });
    expect(await headOf(catalog.api)).toBe(head);
  });

  it.each<[string, unknown, string, string[]]>([
    ['no selector', { status: 'stopped' }, 'VALIDATION_FAILED', ['/selector']],
    ['one that is a text', { selector: 'all', status: 'stopped' }, 'VALIDATION_FAILED', ['/selector']],
    ['one that narrows nothing', { selector: {}, status: 'stopped' }, 'VALIDATION_FAILED', ['/selector']],
    ['all namespaces', { selector: { namespace: '*' }, status: 'stopped' }, 'VALIDATION_FAILED', ['/selector']],
    [
      'several bad fields',
      { selector: { zone: '', host: 'a b', colour: 1 }, status: 'asleep', until: 'soon' },
      'VALIDATION_FAILED',
      ['/selector/host', '/selector/zone', '/selector/colour', '/status', '/until'],
    ],
    [
      'a bad expression',
      { selector: { filter: 'zone ==' }, status: 'stopped' },
      'INVALID_FILTER',
      ['/selector/filter'],
    ],
    [
      'metadata that are no object',
      { selector: { metadata: [1] }, status: 'stopped' },
      'INVALID_FILTER',
      ['/selector/metadata'],
    ],
    [
      'metadata with half a character',
      '{"selector": {"metadata": {"a": "\\ud800"}}, "status": "stopped"}',
      'VALIDATION_FAILED',
      ['/selector/metadata/a'],
    ],
    [
      'a status that cannot become a text',
      { selector: { status: { toString: 1 } }, status: 'stopped' },
      'VALIDATION_FAILED',
      ['/selector/status/0'],
    ],
  ])('rejects %s', async (_, body, code, at) => {
    const answer = await catalog.api.send('PUT', OVERRIDES, body);
    const { errors = [], ...problem } = answer.body;
    expect({ status: problem.status, code: problem.code }).toEqual({ status: 400, code });
    expect(errors.map(({ path }) => path).sort()).toEqual([...at].sort());
  });
});

describe('DELETE of overrides', () => {
  it('clears the overrides of the instances that match, and no others', async () => {
    await put({ service: 'orders' });
    const before = await headOf(catalog.api);
    const { status, body } = await clear('zone=a');
    expect(status).toBe(200);
    expect(body).toMatchObject({ matched: 2, changed: 2, unchanged: 0, revision: before + 2 });
    expect(body.instances.map(({ status }) => status)).toEqual(['healthy', 'healthy']);
    expect(await overridden()).toEqual(['i-2']);
    expect((await clear('service=orders', 1)).body).toMatchObject({ matched: 3, changed: 1, unchanged: 2 });
    expect((await clear('service=orders')).body).toMatchObject({ matched: 3, changed: 0, unchanged: 3 });
  });

  it('can select by the override itself', async () => {
    await put({ zone: 'a' }, { status: 'stopped' });
    await put({ zone: 'b' }, { status: 'maintenance' });
    expect(names((await clear('status=stopped')).body)).toEqual(['i-0', 'i-1']);
  });

  it.each([
    ['', ['/query'], 'VALIDATION_FAILED'],
    ['all=maybe', ['/query/all'], 'VALIDATION_FAILED'],
    ['zone=a&zone=b', ['/query/zone'], 'VALIDATION_FAILED'],
    ['filter=zone+%3D%3D', ['/query/filter'], 'INVALID_FILTER'],
    ['zone=a%00', ['/query/zone'], 'VALIDATION_FAILED'],
    ['status=asleep&service=a+b', ['/query/service', '/query/status/0'], 'VALIDATION_FAILED'],
  ])('refuses ?%s', async (query, at, code) => {
    const { body } = await catalog.api.send('DELETE', `${OVERRIDES}?${query}`);
    const { errors = [] } = body;
    expect({ code: body.code, at: errors.map(({ path }) => path).sort() }).toEqual({ code, at });
  });
});

describe('overrides that run out', () => {
  it('end by themselves, each once over all nodes, and the log says so', async () => {
    const until = new Date(Date.now() + unhurried(1_500)).toISOString();
    const { body } = await put({ service: 'orders' }, { status: 'maintenance', until });
    await put({ service: 'mail' }, { status: 'maintenance' });
    await waitFor('they have ended', async () => (await overridden()).join() === 'i-3');
    const events = await eventsOf(catalog.api, `namespace=${namespace}&action=instance.override_cleared`);
    expect(events.map(({ instanceId }) => String(instanceId)).sort()).toEqual(names(body));
    for (const { actor, source, reason, at } of events) {
      expect({ actor, source, reason }).toEqual({
        actor: 'system:liveness',
        source: 'system',
        reason: 'the override ran out',
      });
      expect(at >= until).toBe(true);
    }
    expect(await catalog.api.ok('GET', `${INSTANCES}/${body.instances[0]!.id}`)).toMatchObject({
      status: 'healthy',
      override: null,
    });
  });
});

/** 300 instances with long metadata; the first of them are in zone a. */
const heavy = (from: number) =>
  Array.from({ length: 300 }, (_, n) => ({
    namespace,
    service: 'heavy',
    instanceId: `h-${from + n}`,
    host: '10.0.0.9',
    port: 80,
    zone: from === 0 ? 'a' : 'b',
    metadata: { text: 'x'.repeat(3_000) },
  }));

describe('more than one transaction takes', () => {
  it('is refused, and the answer says how many there are and what to do', async () => {
    for (const from of [0, 300, 600, 900, 1_200])
      await catalog.api.ok('POST', `${INSTANCES}/batch`, { instances: heavy(from) });
    const head = await headOf(catalog.api);
    const answer = await put<Problem>({ service: 'heavy' });
    expect(brief(answer.body)).toEqual({ status: 400, code: 'VALIDATION_FAILED', at: ['/selector'] });
    expect(answer.body.detail).toContain('selects 1500 instances');
    expect(await headOf(catalog.api)).toBe(head);
    expect((await put({ service: 'heavy', zone: 'a' })).body).toMatchObject({ matched: 300, changed: 300 });
    // Taking back concerns those that have one, however many the selector means.
    expect((await clear('service=heavy')).body).toMatchObject({ matched: 1_500, changed: 300, unchanged: 1_200 });
  });
});
