import { EPOCH_JUMP } from '@coordination/log/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer } from '../../../../test/support/http/api.js';
import { brief, type CatalogService, headOf, startCatalog } from '../../../../test/support/catalog/catalog-service.js';

type Instance = Readonly<Record<string, unknown>> & { readonly instanceId: string };

interface Page {
  readonly service: string;
  readonly revision: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly instances: readonly Instance[];
  readonly nextCursor?: string | null;
}

const DISCOVERY = '/api/v1/discovery';
const NEVER_CHANGES = 'private, max-age=3600, immutable';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ nodes: 2 });
});
afterAll(() => catalog.close());

const api = () => catalog.api;
const listOf = (service: string, query = ''): string => `${DISCOVERY}/services/${service}/instances?${query}`;
const page = (service: string, query: string): Promise<Answer<Page>> => api().get<Page>(listOf(service, query));
const ok = (service: string, query = ''): Promise<Page> => api().ok<Page>('GET', listOf(service, query));
const problem = async (path: string) => brief((await api().get(path)).body);
const names = (instances: readonly Instance[]) => instances.map(({ instanceId }) => instanceId);
/** Without the mark of the compressed form, which small pages from the log do not have. */
const etagOf = ({ headers }: Pick<Answer<unknown>, 'headers'>): string => headers.get('etag')!.replace(/^W\//, '');

const register = (service: string, instanceId: string, fields: object = {}) =>
  api().register({ service, instanceId, ...fields });

/** A service of some instances, a third of them of unknown health. */
async function aService(service: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await register(service, `i-${n}`, { zone: n % 2 ? 'b' : 'a', ...(n % 3 === 2 && { status: 'unknown' }) });
  }
}

/** All pages, of which each may be asked of another node. */
async function walk(service: string, query: string, from = api): Promise<Page[]> {
  const pages: Page[] = [];
  for (let cursor = ''; ;) {
    const path = listOf(service, query + (cursor && `&cursor=${cursor}`));
    const { body } = await from().get<Page>(path);
    pages.push(body);
    if (body.nextCursor === null) return pages;
    cursor = body.nextCursor!;
  }
}

describe('The list of a service in pages', () => {
  it('has together what the whole list has, whose bytes stay what they were', async () => {
    await aService('walked', 10);
    for (const query of ['', 'status=any', 'status=any&zone=a', 'status=any&filter=zone%20==%20%22b%22', 'zone=none']) {
      const whole = await ok('walked', query);
      expect(Object.keys(whole)).toEqual(['service', 'revision', 'counts', 'instances']);
      for (const limit of [1, 3, 5, 10, 1_000]) {
        const pages = await walk('walked', `${query}&limit=${limit}`);
        expect(pages.flatMap(({ instances }) => instances)).toEqual(whole.instances);
        expect(pages).toHaveLength(Math.max(1, Math.ceil(whole.instances.length / limit)));
        for (const { service, revision, counts } of pages) {
          expect({ service, revision, counts }).toEqual({ service, revision: whole.revision, counts: whole.counts });
        }
      }
    }
    expect(await ok('nobody', 'limit=5')).toMatchObject({ instances: [], nextCursor: null, counts: { total: 0 } });
  });

  it('shows the revision of the first page, whatever changes meanwhile, and marks later pages as immutable', async () => {
    await aService('moving', 6);
    const whole = await ok('moving', 'status=any');
    const first = await page('moving', 'status=any&limit=2');
    const path = listOf('moving', `status=any&limit=2&cursor=${first.body.nextCursor}`);
    await register('elsewhere', 'x');
    const fromMemory = await api().get<Page>(path);
    await register('moving', 'i-0a');
    await register('moving', 'i-3', { weight: 7 });
    await api().ok('DELETE', `/api/v1/registry/services/moving/instances/i-4`);
    const fromLog = await api().get<Page>(path);
    const third = await ok('moving', `status=any&limit=2&cursor=${fromLog.body.nextCursor}`);
    expect([first.body, fromLog.body, third].flatMap(({ instances }) => instances)).toEqual(whole.instances);
    expect(fromLog.body).toEqual(fromMemory.body);
    expect(third).toMatchObject({ revision: whole.revision, counts: whole.counts, nextCursor: null });
    for (const answer of [fromMemory, fromLog]) {
      expect(etagOf(answer)).toBe(etagOf(fromMemory));
      expect(answer.headers.get('cache-control')).toBe(NEVER_CHANGES);
      expect(answer.revision).toBe(whole.revision);
      expect((await api().get(path, { 'if-none-match': etagOf(answer) })).status).toBe(304);
    }
    expect(first.headers.get('cache-control')).toBeNull();
  });

  it('is one and the same on all nodes', async () => {
    await aService('spread', 8);
    const whole = await ok('spread', 'status=any');
    const apis = catalog.nodes.map(node => node.api);
    let turn = 0;
    const pages = await walk('spread', `status=any&limit=3&minRevision=${whole.revision}`, () => apis[turn++ % 2]!);
    expect(pages.flatMap(({ instances }) => instances)).toEqual(whole.instances);
    const first = listOf('spread', `status=any&limit=3&minRevision=${whole.revision}`);
    const [one, other] = await Promise.all(apis.map(async it => (await fetch(it.url + first)).text()));
    expect(one).toBe(other);
  });

  it('of the past is that of the past, and continues with and without asOf', async () => {
    await aService('old', 7);
    const { body, revision } = await page('old', 'status=any');
    await register('old', 'i-9');
    const asOf = `status=any&asOf=${revision}`;
    for (const limit of [2, 7, 50]) {
      const pages = await walk('old', `${asOf}&limit=${limit}`);
      expect(pages.flatMap(({ instances }) => instances)).toEqual(body.instances);
      expect(pages.map(it => it.counts)).toEqual(pages.map(() => body.counts));
    }
    const { nextCursor } = await ok('old', `${asOf}&limit=2`);
    const later = await page('old', `status=any&limit=2&cursor=${nextCursor}`);
    expect(later.body).toEqual(await ok('old', `${asOf}&limit=2&cursor=${nextCursor}`));
    const other = `status=any&limit=2&asOf=${revision - 1}&cursor=${nextCursor}`;
    expect(await problem(listOf('old', other))).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    expect(await problem(listOf('old', `${asOf}&limit=2&since=1`))).toMatchObject({ at: ['/query/since'] });
  });

  it('keeps its ETag exactly as long as the page stays what it is, and has another one for each page and set of members', async () => {
    await aService('tagged', 5);
    const { nextCursor } = await ok('tagged', 'limit=2&status=any');
    const queries = ['', 'limit=2', 'limit=3', 'fields=host', 'fields=host,port', 'limit=2&fields=host'];
    const paths = queries.map(query => listOf('tagged', `status=any&${query}`));
    const answers = await Promise.all(
      [...paths, `${paths[1]}&cursor=${nextCursor}`].map(path => api().get<Page>(path)),
    );
    expect(new Set(answers.map(etagOf)).size).toBe(answers.length);
    for (const [n, path] of paths.entries()) {
      for (let again = 0; again < 2; again++) {
        const known = await api().get(path, { 'if-none-match': etagOf(answers[n]!) });
        expect([known.status, etagOf(known)]).toEqual([304, etagOf(answers[n]!)]);
      }
    }
    await register('other', 'x');
    expect((await api().get(paths[1]!, { 'if-none-match': etagOf(answers[1]!) })).status).toBe(304);
    await register('tagged', 'i-1', { weight: 1 });
    for (const [n, path] of paths.entries()) {
      expect((await api().get(path, { 'if-none-match': etagOf(answers[n]!) })).status).toBe(200);
    }
    const head = await fetch(`${api().url}${paths[1]}`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(etagOf(head)).toBe(etagOf(await api().get(paths[1]!)));
  });

  it('accepts all consistency requirements: they apply to the first page, and have no effect on later ones', async () => {
    await aService('demanding', 4);
    const head = await headOf(api());
    const demands = [
      `consistency=strong`,
      `minRevision=${head}`,
      `since=${head}&waitSeconds=1`,
      'since=0&waitSeconds=60',
    ];
    for (const demand of demands) {
      const query = `status=any&limit=2&${demand}`;
      expect(names((await walk('demanding', query)).flatMap(({ instances }) => instances))).toEqual([
        'i-0',
        'i-1',
        'i-2',
        'i-3',
      ]);
    }
    const waiting = page('demanding', `status=any&limit=1&since=${head}&waitSeconds=60`);
    await register('demanding', 'i-9');
    expect(await waiting).toMatchObject({ status: 200, body: { counts: { total: 5 } } });
    expect(await problem(listOf('demanding', 'limit=1&waitSeconds=5'))).toMatchObject({ at: ['/query/waitSeconds'] });
    expect(await problem(listOf('demanding', `limit=1&minRevision=${Number.MAX_SAFE_INTEGER}`))).toMatchObject({
      code: 'REVISION_UNKNOWN',
    });
  });

  it('is refused for limits that are none, and cursors that are none, or of something else', async () => {
    await aService('strict', 4);
    await aService('strict2', 4);
    for (const limit of ['0', '1001', '-1', '1.5', 'x', '', '99999999999999999']) {
      expect(await problem(listOf('strict', `limit=${limit}`)), limit).toMatchObject({
        status: 400,
        code: 'VALIDATION_FAILED',
        at: ['/query/limit'],
      });
    }
    const { nextCursor } = await ok('strict', 'limit=1&status=any&zone=a&fields=host');
    const cursor = nextCursor!;
    const asked = (service: string, query: string) => problem(listOf(service, `${query}&cursor=${cursor}`));
    expect(names((await ok('strict', `limit=3&status=any&zone=a&fields=host&cursor=${cursor}`)).instances)).toEqual([
      'i-2',
    ]);
    expect(await asked('strict', 'status=any&zone=a&fields=host')).toEqual({
      status: 400,
      code: 'VALIDATION_FAILED',
      at: ['/query/cursor'],
    });
    for (const [service, query] of [
      ['strict2', 'limit=1&status=any&zone=a&fields=host'],
      ['strict', 'limit=1&status=any&zone=b&fields=host'],
      ['strict', 'limit=1&zone=a&fields=host'],
      ['strict', 'limit=1&status=any&zone=a'],
      ['strict', 'limit=1&status=any&zone=a&fields=port'],
      ['strict', 'limit=1&status=any&zone=a&fields=host&namespace=shop'],
    ] as const) {
      const { body } = await api().get(listOf(service, `${query}&cursor=${cursor}`));
      expect(brief(body), query).toEqual({ status: 400, code: 'INVALID_CURSOR', at: ['/query/cursor'] });
      expect(body.detail).toContain('belongs to another query');
    }
    const content = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as object;
    const altered = (differing: object) =>
      Buffer.from(JSON.stringify({ ...content, ...differing })).toString('base64url');
    const search = await api().ok<{ nextCursor: string }>('GET', `${DISCOVERY}/instances?service=strict&limit=1`);
    for (const bad of [
      'x',
      'eyJ9',
      'null',
      `${cursor}x`,
      `${cursor}!`,
      `!${cursor}`,
      cursor.slice(1),
      cursor.slice(0, -4),
      altered({ after: 'i-1' }),
      altered({ at: 1 }),
      altered({ more: 1 }),
      altered({ at: '1' }),
      search.nextCursor,
    ]) {
      const query = `limit=1&status=any&zone=a&fields=host&cursor=${bad}`;
      expect(await problem(listOf('strict', query)), bad).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    }
    expect(await problem(listOf('strict', `limit=1&cursor=${'x'.repeat(2_001)}`))).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });
});

const endpointOf = ({ instanceId, host, port }: Instance) => ({ instanceId, host, port });

const text = async (query: string): Promise<string> =>
  await (await fetch(api().url + listOf('chosen', `status=any&${query}`))).text();

describe('Members of instances', () => {
  it('are chosen in any order, with what names the instance, as one answer', async () => {
    await aService('chosen', 3);
    const whole = await ok('chosen', 'status=any');
    const same = [
      'fields=port,host',
      'fields=host,port',
      'fields=host&fields=port',
      'fields=host,host,port,instanceId',
    ];
    const [first, ...others] = await Promise.all(same.map(text));
    for (const other of others) expect(other).toBe(first);
    expect(JSON.parse(first!)).toEqual({ ...whole, instances: whole.instances.map(endpointOf) });
    const all = Object.keys(whole.instances[0]!);
    expect(await text(`fields=${all.toReversed().join()}`)).toBe(await text(''));
    expect(await text(`fields=metadata,health&asOf=${whole.revision}`)).toBe(await text('fields=health,metadata'));
  });

  it('are chosen of a search, now and then', async () => {
    await aService('sought', 3);
    const at = await headOf(api());
    const search = `${DISCOVERY}/instances?service=sought&limit=2`;
    for (const query of ['', `&asOf=${at}`, '&filter=instanceId%20matches%20%22i%22', '&sort=updatedAt']) {
      const path = `${search}${query}&fields=zone`;
      const answer = await api().get<{ items: Instance[]; nextCursor: string }>(path);
      const { items, nextCursor } = answer.body;
      expect(items.map(item => Object.keys(item))).toEqual(
        items.map(() => ['namespace', 'service', 'instanceId', 'zone']),
      );
      expect(etagOf(answer)).not.toBe(etagOf(await api().get(search + query)));
      expect((await api().get(path, { 'if-none-match': etagOf(answer) })).status).toBe(304);
      const rest = await api().ok<{ items: Instance[] }>('GET', `${path}&cursor=${nextCursor}`);
      expect([...items, ...rest.items]).toHaveLength(3);
      const other = await api().get(`${search}${query}&cursor=${nextCursor}`);
      expect(other.body).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    }
  });

  it('that are not known are refused, with those that are', async () => {
    await aService('asked', 1);
    for (const path of [listOf('asked', 'fields='), `${DISCOVERY}/instances?fields=`]) {
      for (const fields of ['x', 'host,x', 'HOST', 'metadata.zone', 'lastSeenAt', 'endedIncarnations', '', 'host,']) {
        const { body } = await api().get(path + fields);
        expect(body, fields).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
        expect(body.errors![0]!.message).toMatch(/^must be one of id, namespace, service, instanceId, /);
      }
    }
  });
});

describe('A cursor of a history that has ended', () => {
  it('is reported as such, and one of a history that survived continues', async () => {
    await aService('lasting', 4);
    const { nextCursor } = await ok('lasting', 'status=any&limit=2');
    const whole = await ok('lasting', 'status=any');
    const head = await headOf(api());
    await catalog.sql('select ensure_service_event_partitions($1)', [head + EPOCH_JUMP]);
    await catalog.sql('update catalog_head set revision = revision + $1 - 1', [EPOCH_JUMP]);
    await catalog.sql(
      `insert into service_event (revision, at, action, actor, source, batch_id, previous_hash, hash, hash_version)
       select revision + 1, at, 'catalog.epoch_started', 'x', 'system', gen_random_uuid(), hash, hash, 1 from catalog_head`,
    );
    await catalog.sql('update catalog_head set revision = revision + 1');
    const next = await ok('lasting', `status=any&limit=2&cursor=${nextCursor}`);
    expect(next.instances).toEqual(whole.instances.slice(2));
    const { toListCursor } = await import('./list-cursor.js');
    const question = {
      namespace: 'default',
      service: 'lasting',
      selection: { statuses: 'any', where: null },
      part: { fields: null, limit: 2 },
    } as const;
    const lost = toListCursor(question, { at: head + 5, after: 'i-1' });
    expect(await problem(listOf('lasting', `status=any&limit=2&cursor=${lost}`))).toMatchObject({
      status: 410,
      code: 'REVISION_UNKNOWN',
    });
  });
});
