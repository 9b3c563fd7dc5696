import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Api, INSTANCES } from '../../support/http/api.js';
import { brief, type CatalogService, headOf, startCatalog, startNode } from '../../support/catalog/catalog-service.js';
import { metricOf } from '../../support/nodes/metrics.js';
import { hangUpAfter, sendRaw } from '../../support/http/raw-http.js';
import { waitFor } from '../../support/time/wait-for.js';
import { WATCH } from '../../support/watch/recording-watcher.js';
import { startWatching, type Watching } from '../../support/watch/watching.js';

const ORIGIN = 'https://ui.example.com';

let catalog: CatalogService;
let api: Api;
let watching: Watching[] = [];

beforeAll(async () => {
  catalog = await startCatalog({ env: { PCS_WATCH_BOOKMARK_SECONDS: '1', PCS_CORS_ORIGINS: ORIGIN } });
  ({ api } = catalog);
});
afterEach(async () => {
  await Promise.all(watching.map(each => each.stop()));
  watching = [];
});
afterAll(() => catalog.close());

function watch(...parameters: Parameters<typeof startWatching>): Watching {
  const opened = startWatching(...parameters);
  watching.push(opened);
  return opened;
}

/** Waits until a watcher knows that it has been told everything up to now. */
async function toHead(watcher: Watching): Promise<void> {
  const head = await headOf(api);
  await watcher.until(`revision ${head}`, ({ event, data }) => event !== 'snapshot' && data.revision >= head);
}

const patch = (id: string, body: object) => api.ok('PATCH', `${INSTANCES}/${id}`, body);
const remove = (id: string) => api.ok('DELETE', `${INSTANCES}/${id}`);

describe('a watch', () => {
  it('begins with what is selected, and tells what comes and goes, and nothing else', async () => {
    const service = 'begins';
    const inside = await api.register({ service, instanceId: 'inside', zone: 'a' });
    await api.register({ service, instanceId: 'outside', zone: 'b' });
    await api.register({ service: 'another', instanceId: 'other', zone: 'a' });
    const watcher = watch(api, `service=${service}&filter=zone == "a"`);
    const { data } = await watcher.until('a snapshot', ({ event }) => event === 'snapshot');
    expect(data.instances?.map(({ instanceId }) => instanceId)).toEqual(['inside']);
    expect(data.instances![0]).not.toHaveProperty('lastSeenAt');

    const late = await api.register({ service, instanceId: 'late', zone: 'a' });
    await patch(inside.id, { zone: 'b' });
    await patch(inside.id, { weight: 1 });
    await patch(inside.id, { zone: 'a' });
    await patch(late.id, { metadata: { line: 'one\ntwo \u2028 ☃' } });
    await remove(late.id);
    await toHead(watcher);
    expect(watcher.told()).toEqual([
      'instance.registered late',
      'removed inside',
      'instance.updated inside',
      'instance.updated late',
      'instance.deregistered late',
    ]);
    const removed = watcher.frames.find(({ event }) => event === 'removed');
    expect(removed?.data).toMatchObject({ action: 'instance.updated', instance: { zone: 'b' } });
    const gone = watcher.frames.find(({ event }) => event === 'instance.deregistered');
    expect(gone?.data.instance?.metadata).toEqual({ ...late.metadata, line: 'one\ntwo \u2028 ☃' });
  });

  it('tells of one status when that is asked, of all namespaces, and of a namespace that nobody knew', async () => {
    const healthy = watch(api, 'service=health&status=healthy');
    const everywhere = watch(api, 'namespace=*&service=health');
    const empty = watch(api, 'namespace=nowhere');
    for (const each of [healthy, everywhere, empty])
      await each.until('a snapshot', ({ event }) => event === 'snapshot');
    const { id } = await api.register({ service: 'health', instanceId: 'h' });
    await api.register({ service: 'health', instanceId: 'n', namespace: 'nowhere' });
    await api.ok('PUT', `${INSTANCES}/${id}/override`, { status: 'maintenance' });
    for (const each of [healthy, everywhere, empty]) await toHead(each);
    expect(healthy.told()).toEqual(['instance.registered h', 'removed h']);
    expect(everywhere.told()).toEqual(['instance.registered h', 'instance.registered n', 'instance.override_set h']);
    expect(empty.told()).toEqual(['instance.registered n']);
  });

  it('goes on after a revision, by header or parameter, and believes the header', async () => {
    const service = 'resumes';
    const revisions: number[] = [];
    for (const instanceId of ['a', 'b', 'c']) revisions.push((await api.register({ service, instanceId })).revision);
    const [first = 0, second = 0] = revisions;
    const byHeader = watch(api, `service=${service}`, { after: first, in: 'header' });
    const byParameter = watch(api, `service=${service}`, { after: first, in: 'since' });
    const byBoth = watch(api, `service=${service}&since=${first}`, { after: second, in: 'header' });
    for (const each of [byHeader, byParameter, byBoth]) await toHead(each);
    expect(byHeader.told()).toEqual(['instance.registered b', 'instance.registered c']);
    expect(byParameter.told()).toEqual(byHeader.told());
    expect(byBoth.told()).toEqual(['instance.registered c']);
    expect([byHeader, byParameter, byBoth].flatMap(({ frames }) => frames).map(({ event }) => event)).not.toContain(
      'snapshot',
    );
  });

  it('reads the log when memory does not reach as far back, on a node that has started since', async () => {
    const service = 'history';
    const from = await headOf(api);
    const names = Array.from({ length: 300 }, (_, n) => `i-${n}`);
    for (const weight of [1, 0]) {
      const instances = names.map(instanceId => ({ service, instanceId, host: '10.0.0.1', port: 80, weight }));
      await api.ok('POST', `${INSTANCES}/batch`, { instances });
    }
    const node = await startNode(catalog.database.url, { PCS_WATCH_BOOKMARK_SECONDS: '1' });
    try {
      const heavy = watch(node.api, `service=${service}&filter=weight == 1`, { after: from });
      await toHead(heavy);
      const expected = ['instance.registered', 'removed'].flatMap(event => names.map(name => `${event} ${name}`));
      expect(heavy.told()).toEqual(expected);
      expect(await metricOf(node.api, 'pcs_watch_log_pages_total')).toBeGreaterThan(1);
    } finally {
      await node.close();
    }
  });

  it('tells a watcher whose revision the catalog does not know to begin anew', async () => {
    const watcher = watch(api, '', { after: (await headOf(api)) + 1_000 });
    await watcher.ended;
    expect(watcher.frames).toEqual([
      { id: '', event: 'reset', data: { revision: await headOf(api), reason: 'unknown_revision' } },
    ]);
  });

  it('says in bookmarks up to where it has told everything, also when nothing concerns it', async () => {
    const watcher = watch(api, 'service=quiet');
    await watcher.until('a snapshot', ({ event }) => event === 'snapshot');
    await api.register({ service: 'loud' });
    await toHead(watcher);
    expect(watcher.told()).toEqual([]);
    const { id, data } = watcher.frames.at(-1)!;
    expect(id, 'the id of a bookmark is where to go on').toBe(String(data.revision));
  });
});

describe('the request for a watch', () => {
  it.each([
    ['since=-1', {}, ['/query/since']],
    ['since=1&since=2', {}, ['/query/since']],
    ['since=9007199254740992', {}, ['/query/since']],
    ['', { 'last-event-id': '1e3' }, ['/header/last-event-id']],
    [
      'since=x&namespace=A&status=fine&nonsense=1',
      { 'last-event-id': '1, 2' },
      ['/header/last-event-id', '/query/namespace', '/query/nonsense', '/query/since', '/query/status/0'],
    ],
    ['filter=zone ==', {}, ['/query/filter']],
  ])('is refused with %s and %o, with all that is wrong', async (query, headers: Record<string, string>, at) => {
    const { status, body } = await api.get(`${WATCH}?${query}`, headers);
    expect(status).toBe(400);
    expect(brief(body).at?.sort()).toEqual(at);
  });

  it('may be HEAD, which has no end to wait for', async () => {
    const response = await fetch(`${api.url}${WATCH}?service=orders`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-catalog-revision')).toBe(String(await headOf(api)));
    expect((await fetch(`${api.url}${WATCH}?since=x`, { method: 'HEAD' })).status).toBe(400);
  });

  it('from a page of an allowed origin is answered with what a browser needs, and no cache or proxy keeps it', async () => {
    const hangUp = new AbortController();
    const headers = { origin: ORIGIN, accept: 'text/event-stream', 'x-request-id': 'watch-1' };
    const response = await fetch(api.url + WATCH, { headers, signal: hangUp.signal });
    hangUp.abort();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-expose-headers': expect.stringContaining('X-Catalog-Epoch') as unknown,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': 'watch-1',
      'x-catalog-revision': String(await headOf(api)),
      // Whole seconds; on a machine that is busy the view may be older than one.
      'x-catalog-staleness': expect.stringMatching(/^\d+$/) as unknown,
    });
    expect(response.headers.get('x-catalog-epoch')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('may be of HTTP/1.0, and may be a reset that ends', async () => {
    const answer = await sendRaw(api.url, `GET ${WATCH}?since=999999 HTTP/1.0\r\n\r\n`);
    expect(answer).toMatch(/\r\n\r\nretry: [1-5]\d{3}\n\nid: \nevent: reset\ndata: \{.*\}\n\n$/);
  });
});

describe('a node with as many watches as it takes', () => {
  it('refuses the next one, and takes it when a watcher has gone', async () => {
    const node = await startNode(catalog.database.url, { PCS_WATCH_MAX: '2' });
    try {
      const [gone] = [watch(node.api, ''), watch(node.api, '')];
      await waitFor('two are open', async () => (await metricOf(node.api, 'pcs_watch_open')) === 2);
      const refused = await node.api.get(WATCH);
      expect(brief(refused.body)).toEqual({ status: 429, code: 'RATE_LIMITED' });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      await gone.stop();
      await waitFor('its place is free', async () => (await metricOf(node.api, 'pcs_watch_open')) === 1);
      await watch(node.api, '').until('a snapshot', ({ event }) => event === 'snapshot');
    } finally {
      await node.close();
    }
  });
});

describe('a watcher that hangs up before it is answered', () => {
  it('leaves nothing behind, whatever it asked for', async () => {
    const node = await startNode(catalog.database.url, { PCS_WATCH_MAX: '3' });
    try {
      for (const query of ['since=999999', '', 'since=0', 'namespace=*&filter=host matches "a.*b"']) {
        for (let n = 0; n < 3; n++) {
          await hangUpAfter(node.url, `GET ${WATCH}?${encodeURI(query)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        }
        await waitFor('all places are free again', async () => {
          const answer = await fetch(`${node.url}${WATCH}`, { method: 'HEAD' });
          return answer.status === 200 && (await metricOf(node.api, 'pcs_watch_open')) === 0;
        });
      }
      await watch(node.api, '').until('a snapshot', ({ event }) => event === 'snapshot');
    } finally {
      await node.close();
    }
  });
});

describe('a node that ends', () => {
  it('ends its watches at once and properly, and they go on elsewhere', async () => {
    const node = await startNode(catalog.database.url);
    const watcher = watch(node.api, 'service=moves');
    await watcher.until('a snapshot', ({ event }) => event === 'snapshot');
    const closed = node.close();
    await watcher.ended;
    await closed;
    await api.register({ service: 'moves', instanceId: 'm' });
    const elsewhere = watch(api, 'service=moves', { after: Number(watcher.frames.at(-1)!.id) });
    await toHead(elsewhere);
    expect(elsewhere.told()).toEqual(['instance.registered m']);
  });
});
