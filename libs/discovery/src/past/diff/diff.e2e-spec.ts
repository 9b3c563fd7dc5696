import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  brief,
  type CatalogService,
  headOf,
  startCatalog,
} from '../../../../../test/support/catalog/catalog-service.js';
import { type ServiceDiff } from './diff-pages.js';

interface Diff {
  readonly from: number;
  readonly to: number;
  readonly services: readonly ServiceDiff[];
  readonly nextCursor: string | null;
}

const DIFF = '/api/v1/discovery/diff';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

const api = () => catalog.api;
const problemOf = async (query: string) => brief((await api().get(`${DIFF}?${query}`)).body);

/** What a diff says, by names. */
const namesIn = ({ services }: Diff) =>
  services.map(({ namespace, service, added, removed, changed }) => [
    `${namespace}/${service}`,
    added.map(({ instanceId }) => instanceId),
    removed.map(({ instanceId }) => instanceId),
    changed.map(({ after }) => after.instanceId),
  ]);

describe('a diff', () => {
  it('shows the net difference, by service', async () => {
    const stays = await api().register({ instanceId: 'stays', weight: 1 });
    const replaced = await api().register({ instanceId: 'replaced' });
    await api().register({ instanceId: 'goes' });
    await api().register({ service: 'untouched', instanceId: 'same' });
    const from = await headOf(api());
    const change = (path: string, body: object) =>
      api().ok('PATCH', `/api/v1/registry/services/orders/instances/${path}`, body);
    await change('stays', { weight: 7, metadata: { region: 'eu' } });
    await api().ok('DELETE', '/api/v1/registry/services/orders/instances/goes');
    await api().ok('DELETE', `/api/v1/registry/instances/${replaced.id}`);
    const successor = await api().register({ instanceId: 'replaced' });
    await api().register({ service: 'fresh', instanceId: 'new' });
    const shortLived = await api().register({ service: 'fresh', instanceId: 'short-lived' });
    await api().ok('DELETE', `/api/v1/registry/instances/${shortLived.id}`);
    const same = '/api/v1/registry/services/untouched/instances/same';
    await api().ok('PATCH', same, { weight: 1 });
    await api().ok('PATCH', same, { weight: null });

    const answer = await api().get<Diff>(`${DIFF}?from=${from}`);
    const to = await headOf(api());
    expect(answer.revision).toBe(to);
    expect(answer.body).toMatchObject({ from, to, nextCursor: null });
    expect(namesIn(answer.body)).toEqual([
      ['default/fresh', ['new'], [], []],
      ['default/orders', ['replaced'], ['goes', 'replaced'], ['stays']],
    ]);
    const { added, removed, changed } = answer.body.services[1]!;
    expect([added[0]!.id, removed[1]!.id]).toEqual([successor.id, replaced.id]);
    expect(changed[0]!.before).toMatchObject({ id: stays.id, weight: 1, version: 1 });
    expect(changed[0]!.patch).toEqual(
      expect.arrayContaining([
        { op: 'replace', path: '/weight', value: 7 },
        { op: 'add', path: '/metadata/region', value: 'eu' },
      ]),
    );
  });

  it('with filters is that of what they select: who comes in is added, who leaves is removed', async () => {
    await api().register({ service: 'moving', instanceId: 'in', zone: 'a' });
    await api().register({ service: 'moving', instanceId: 'out', zone: 'b' });
    const from = await headOf(api());
    const move = (name: string, zone: string) =>
      api().ok('PATCH', `/api/v1/registry/services/moving/instances/${name}`, { zone });
    await move('in', 'b');
    await move('out', 'c');
    const diff = await api().ok<Diff>('GET', `${DIFF}?from=${from}&service=moving&zone=b`);
    expect(namesIn(diff)).toEqual([['default/moving', ['in'], ['out'], []]]);
    const back = await api().ok<Diff>('GET', `${DIFF}?from=${from}&to=${from}&service=moving`);
    expect(back.services).toEqual([]);
    expect(namesIn(await api().ok<Diff>('GET', `${DIFF}?from=${from}&namespace=shop`))).toEqual([]);
  });

  it('may be kept once both of its ends are settled', async () => {
    const to = await headOf(api());
    const settled = await api().get<Diff>(`${DIFF}?from=0&to=${to}&limit=1`);
    expect(settled.headers.get('cache-control')).toBe('private, max-age=3600, immutable');
    const open = await api().get<Diff>(`${DIFF}?from=0&limit=1`);
    expect(open.headers.get('cache-control')).toBe('no-cache');
    expect(open.body.services).toEqual(settled.body.services);
    const etag = open.headers.get('etag')!;
    expect((await api().get(`${DIFF}?from=0&limit=1`, { 'if-none-match': etag })).status).toBe(304);
    await api().register({ service: 'later', instanceId: 'x' });
    expect((await api().get(`${DIFF}?from=0&limit=1`, { 'if-none-match': etag })).status).toBe(200);
    const next = await api().get<Diff>(`${DIFF}?from=0&limit=500&cursor=${open.body.nextCursor}`);
    expect(next.body.to).toBe(to);
    expect(next.body.services.some(({ service }) => service === 'later')).toBe(false);
  });

  it('reports what is wrong with a request', async () => {
    const head = await headOf(api());
    const refused = { status: 400, code: 'VALIDATION_FAILED' };
    expect(await problemOf('')).toEqual({ ...refused, at: ['/query/from'] });
    expect(await problemOf('from=x&to=-1&limit=0&asOf=1')).toMatchObject({
      ...refused,
      at: expect.arrayContaining(['/query/from', '/query/to', '/query/limit', '/query/asOf']),
    });
    expect(await problemOf('from=2&to=1')).toEqual({ ...refused, at: ['/query/from'] });
    expect(await problemOf('from=1&from=2')).toEqual({ ...refused, at: ['/query/from'] });
    expect(await problemOf('from=1&to=9999-01-01T00:00:00Z')).toEqual({ ...refused, at: ['/query/to'] });
    expect(await problemOf(`from=1&to=${head + 1}`)).toEqual({ status: 410, code: 'REVISION_UNKNOWN' });
    expect(await problemOf('from=0&cursor=x')).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    const forged = Buffer.from(JSON.stringify({ of: 'x', from: 0, to: 1, after: ['a', 'b', '\0'] })).toString(
      'base64url',
    );
    expect(await problemOf(`from=0&cursor=${forged}`)).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    expect(await problemOf('from=0&filter=zone ~ 1')).toMatchObject({ status: 400, code: 'INVALID_FILTER' });
  });
});
