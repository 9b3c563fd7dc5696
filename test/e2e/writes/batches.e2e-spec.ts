import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaseRenewals } from '@coordination/registry';
import { INSTANCES, type LeasedView, type Problem } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import {
  brief,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
  startNode,
} from '../../support/catalog/catalog-service.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(async () => {
  await assertCatalogInvariants(catalog.database.url);
  await catalog.close();
});

interface BatchResult {
  readonly revision: number;
  readonly results: readonly { readonly outcome: string; readonly instance: LeasedView }[];
}

const BATCH = `${INSTANCES}/batch`;
const DEREGISTRATIONS = '/api/v1/registry/deregistrations';
const ABSENT = '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f99';
const invalid = (...at: string[]) => ({ status: 400, code: 'VALIDATION_FAILED', at });

const registration = (service: string, n: number, differing: object = {}) => ({
  service,
  instanceId: `i-${n}`,
  host: '10.0.0.1',
  port: 8080,
  ...differing,
});
const many = (service: string, size: number) => Array.from({ length: size }, (_, n) => registration(service, n));
const batch = <T = Problem>(instances: unknown, query = '') =>
  catalog.api.send<T>('POST', `${BATCH}${query}`, { instances });

const deregister = <T = Problem>(ids: unknown) => catalog.api.send<T>('POST', DEREGISTRATIONS, { ids });

describe('a batch of registrations', () => {
  it('says of each what became of it, in the order of the request', async () => {
    await catalog.api.ok('POST', BATCH, { instances: [registration('mixed', 0), registration('mixed', 1)] });
    const answer = await batch<BatchResult>([
      registration('mixed', 2),
      registration('mixed', 0),
      registration('mixed', 1, { weight: 5 }),
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body.results.map(({ outcome }) => outcome)).toEqual(['created', 'unchanged', 'updated']);
    expect(answer.body.results.map(({ instance }) => instance.instanceId)).toEqual(['i-2', 'i-0', 'i-1']);
    expect(answer.revision).toBe(answer.body.revision);
    expect(answer.body.revision).toBe(answer.body.results[2]?.instance.revision);
    expect((await discover(catalog.api, 'mixed')).instances).toHaveLength(3);
  });

  it('may be a thousand, with one event for each of one transaction', async () => {
    const before = await headOf(catalog.api);
    const answer = await batch<BatchResult>(many('thousand', 1_000));
    expect(answer.status).toBe(200);
    expect(answer.body.revision).toBe(before + 1_000);
    const events = await eventsOf(catalog.api, 'service=thousand');
    expect(events).toHaveLength(1_000);
    expect(new Set(events.map(event => event.batchId)).size).toBe(1);
    expect(new Set(events.map(event => event.at)).size).toBe(1);
  });

  it('that is repeated costs nothing', async () => {
    const before = await headOf(catalog.api);
    const answer = await batch<BatchResult>(many('thousand', 1_000));
    expect(new Set(answer.body.results.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']));
    expect(await headOf(catalog.api)).toBe(before);
  });

  it.each([
    ['nothing', [], ['/instances']],
    ['more than a thousand', many('bad', 1_001), ['/instances']],
    ['what is no list', { '0': registration('bad', 0) }, ['/instances']],
    ['what are no objects', [null, 7, []], ['/instances/0', '/instances/1', '/instances/2']],
  ])('is refused with %s', async (_, instances, at) => {
    const { body } = await batch(instances);
    expect(brief(body)).toEqual(invalid(...at));
  });

  it('is refused as a whole, and names every bad field by its place', async () => {
    const { body } = await batch([
      registration('bad', 0),
      registration('bad', 1, { port: 0 }),
      registration('bad', 2, { host: '*', weight: -1, revision: 1 }),
    ]);
    expect(brief(body).at?.toSorted()).toEqual([
      '/instances/1/port',
      '/instances/2/host',
      '/instances/2/revision',
      '/instances/2/weight',
    ]);
    expect((await discover(catalog.api, 'bad')).instances).toEqual([]);
  });

  it('is refused when two of it are the same, whether they say it or mean it', async () => {
    const { instanceId: _, ...nameless } = registration('bad', 0);
    const instances = [
      registration('bad', 0),
      nameless,
      registration('BAD', 0),
      { ...nameless, instanceId: '10.0.0.1:8080' },
      registration('bad', 0, { namespace: 'other' }),
    ];
    expect(brief((await batch(instances)).body)).toEqual(invalid('/instances/2', '/instances/3'));
  });

  it('may be in a namespace of the query, of each, or of both when they agree', async () => {
    const contrary = [registration('ns', 0, { namespace: 'a' }), registration('ns', 1, { namespace: 'b' })];
    expect(brief((await batch(contrary, '?namespace=a')).body)).toEqual(invalid('/instances/1/namespace'));
    const answer = await batch<BatchResult>(contrary.toSpliced(1, 1, registration('ns', 1)), '?namespace=a');
    expect(answer.body.results.map(({ instance }) => instance.namespace)).toEqual(['a', 'a']);
    expect((await batch<BatchResult>(contrary)).body.results.map(({ outcome }) => outcome)).toEqual([
      'unchanged',
      'created',
    ]);
  });

  it('is never said not to have happened when a part of it has', async () => {
    const node = await startNode(catalog.database.url);
    await catalog.api.ok('POST', BATCH, { instances: [registration('part', 0)] });
    // This node takes no signs of life any more, as when it cannot note them in time.
    await node.app.get(LeaseRenewals).close();
    const only = await node.api.send('POST', BATCH, { instances: [registration('part', 0)] });
    expect(only.body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
    const both = await node.api.send('POST', BATCH, { instances: [registration('part', 0), registration('part', 1)] });
    expect((await discover(node.api, 'part')).instances).toHaveLength(2);
    expect(both.body).toMatchObject({ status: 503, code: 'OUTCOME_UNKNOWN' });
    await node.close();
  });

  it('takes more than 64 KiB, and less than a mebibyte', async () => {
    const metadata = { text: 'x'.repeat(30_000) };
    const large = Array.from({ length: 34 }, (_, n) => registration('large', n, { metadata }));
    expect((await batch(large)).status).toBe(200);
    const tooLarge = Array.from({ length: 36 }, (_, n) => registration('large', n, { metadata }));
    expect((await batch(tooLarge)).body).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
  });
});

describe('many deregistrations', () => {
  it('are one transaction, and say which were not there', async () => {
    const { results } = await catalog.api.ok<BatchResult>('POST', BATCH, { instances: many('leaving', 3) });
    const [first = '', second = '', third = ''] = results.map(({ instance }) => instance.id);
    const answer = await deregister<object>([first, ABSENT, second, first]);
    expect(answer).toMatchObject({ status: 200, body: { deregistered: 2, notFound: [ABSENT] } });
    const events = await eventsOf(catalog.api, 'service=leaving&action=instance.deregistered');
    expect(events.map(event => event.instanceUuid)).toEqual([first, second]);
    expect(events[0]?.batchId).toBe(events[1]?.batchId);
    expect((await discover(catalog.api, 'leaving')).instances.map(({ id }) => id)).toEqual([third]);
    expect((await deregister<object>([first])).body).toEqual({ deregistered: 0, notFound: [first] });
  });

  it.each([
    ['none', [], '/ids'],
    ['too many', Array.from({ length: 1_001 }, () => ABSENT), '/ids'],
    ['what is no id', [ABSENT, 'orders-1'], '/ids/1'],
    ['no list', ABSENT, '/ids'],
  ])('are refused for %s', async (_, ids, at) => {
    expect(brief((await deregister(ids)).body)).toEqual(invalid(at));
  });
});
