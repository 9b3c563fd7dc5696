import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { type Place, type PlaceKind, WorkPlaces } from '@coordination/scheduling';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogService, discover, startCatalog } from '../../support/catalog/catalog-service.js';
import { INSTANCES, type LeasedView, LONG_LEASE } from '../../support/http/api.js';
import { metricOf } from '../../support/nodes/metrics.js';
import { eventually } from '../../support/time/eventually.js';
import { waitFor } from '../../support/time/wait-for.js';

/** More than may be listed without a place. */
const MANY = 600;

/** How many may wait for a place. */
const LINE = 200;

const LARGE = '/api/v1/discovery/services/large/instances';

let catalog: CatalogService;
let places: WorkPlaces;
let instance: LeasedView;
let held: Place[] = [];
const open = new Set<ClientRequest>();

beforeAll(async () => {
  catalog = await startCatalog();
  places = catalog.nodes[0]!.app.get(WorkPlaces);
  instance = await catalog.api.register();
  const instances = Array.from({ length: MANY }, (_, n) => ({
    service: 'large',
    instanceId: `large-${n}`,
    host: '10.0.0.2',
    port: 8080,
    check: LONG_LEASE,
  }));
  await catalog.api.ok('POST', `${INSTANCES}/batch`, { instances });
});
afterAll(() => catalog.close());

afterEach(async () => {
  for (const request of open) request.destroy();
  open.clear();
  releaseAll();
  await waitFor('nothing waits any more', () =>
    Object.values(places.use()).every(({ taken, waiting }) => taken + waiting === 0),
  );
});

/** Takes all places of a kind, as work does that takes long. */
async function occupy(kind: PlaceKind): Promise<void> {
  const { places: count } = places.use()[kind];
  for (let n = 0; n < count; n++) held.push(await places.enter(kind, { client: `holder-${n}`, route: 'test' }));
}

function releaseAll(): void {
  for (const place of held) place.release();
  held = [];
}

/** Sends a GET on a connection of its own. @param from another address of loopback */
function get(path: string, from = '127.0.0.1'): { request: ClientRequest; answered: Promise<[number, string]> } {
  const { hostname, port } = new URL(catalog.api.url);
  const request = httpRequest({ host: hostname, port, localAddress: from, path, agent: false });
  request.on('error', () => undefined);
  open.add(request);
  const answered = once(request, 'response').then(async ([response]: IncomingMessage[]): Promise<[number, string]> => {
    let text = '';
    for await (const chunk of response!) text += String(chunk);
    return [response!.statusCode!, text];
  });
  answered.catch(() => undefined);
  request.end();
  return { request, answered };
}

/** Fills the line of heavy reads with callers of one address. */
function fill(): void {
  for (let n = 0; n < LINE; n++) {
    places.enter('database', { client: '127.0.0.1', route: `/route/${n % 3}` }).then(
      place => place.release(),
      () => undefined,
    );
  }
}

const waiting = (kind: PlaceKind, count: number) =>
  waitFor(`${count} wait`, () => places.use()[kind].waiting === count);

describe('Heavy reads whose statements take long', () => {
  let blocker: Client;

  beforeAll(async () => {
    blocker = new Client({ connectionString: catalog.database.url });
    await blocker.connect();
  });
  afterAll(() => blocker.end());

  it('delay no heartbeat, no write, no hot read, no readiness and no metrics', async () => {
    // Every read of the log looks there first.
    await blocker.query('begin');
    await blocker.query('lock table log_cut in access exclusive mode');
    try {
      for (let n = 0; n < 12; n++) get('/api/v1/audit/retention');
      await waitFor(
        'both places are taken',
        () => places.use().database.taken === 2 && places.use().database.waiting > 0,
      );
      const { api } = catalog;
      expect((await api.send('PUT', `${INSTANCES}/${instance.id}/heartbeat`)).status).toBe(204);
      expect((await api.register({ service: 'meanwhile' })).version).toBe(1);
      expect((await discover(api, 'meanwhile')).instances).toHaveLength(1);
      expect((await api.read(instance.id)).id).toBe(instance.id);
      expect((await api.get('/health/ready')).status).toBe(200);
      expect(await metricOf(api, 'pcs_work_places')).toBe(6);
      for (const path of ['/docs', '/docs/errors', '/openapi.json']) expect((await api.get(path)).status).toBe(200);
    } finally {
      await blocker.query('rollback');
    }
    await eventually(async () => expect((await catalog.api.get('/api/v1/audit/retention')).status).toBe(200));
  });
});

describe('The line of heavy reads', () => {
  it.each([
    '/api/v1/audit/events',
    '/api/v1/audit/head',
    '/api/v1/discovery/diff?from=1',
    '/api/v1/discovery/services?asOf=1',
    '/api/v1/discovery/instances?asOf=1',
    `${LARGE}?asOf=1`,
    '/api/v1/liveness',
  ])('has an end: %s gets OVERLOADED, with Retry-After', async path => {
    await occupy('database');
    fill();
    const { status, headers, body } = await catalog.api.get(path);
    expect([status, body.code]).toEqual([503, 'OVERLOADED']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });

  it('lets another address in, and serves it in its turn', async () => {
    await eventually(async () => {
      await occupy('database');
      fill();
      const other = get('/api/v1/audit/head', '127.0.0.2');
      const before = places.use().database.refused.line_full;
      await waitFor('one gives way', () => places.use().database.refused.line_full > before);
      releaseAll();
      expect((await other.answered)[0]).toBe(200);
    });
  });

  it('forgets callers that are gone', async () => {
    await occupy('database');
    const [first] = [get('/api/v1/audit/head'), get('/api/v1/audit/head')];
    await waiting('database', 2);
    first.request.destroy();
    await waiting('database', 1);
  });
});

describe('A large list', () => {
  const small = '/api/v1/discovery/services/orders/instances';

  it('needs a place to be made, and none when it is kept', async () => {
    await occupy('memory');
    const first = get(LARGE);
    await waiting('memory', 1);
    const same = Array.from({ length: 30 }, () => get(LARGE));
    expect((await get(small).answered)[0]).toBe(200);
    expect(places.use().memory.waiting, 'one waits for all that need the same list').toBe(1);
    releaseAll();
    const [status, text] = await first.answered;
    expect(status).toBe(200);
    for (const { answered } of same) expect(await answered).toEqual([200, text]);
    expect((JSON.parse(text) as { instances: unknown[] }).instances).toHaveLength(MANY);
    await occupy('memory');
    // The second time the parsed request is known, too.
    for (let n = 0; n < 2; n++) expect((await get(LARGE).answered)[0]).toBe(200);
    const other = get(`${LARGE}?tag=none`);
    await waiting('memory', 1);
    other.request.destroy();
    await waiting('memory', 0);
  });

  it('is needed to begin a watch with a snapshot, but not to go on with one', async () => {
    await occupy('memory');
    get('/api/v1/discovery/watch?service=large');
    await waiting('memory', 1);
    const watch = get('/api/v1/discovery/watch?service=large&since=1');
    expect(await once(watch.request, 'response')).toMatchObject([{ statusCode: 200 }]);
    const little = get('/api/v1/discovery/watch?service=orders');
    expect(await once(little.request, 'response')).toMatchObject([{ statusCode: 200 }]);
  });
});

describe('Resolving a large service', () => {
  const RESOLVE = '/api/v1/discovery/services/large/resolve';

  it('needs a place once for each kind of request and state of the service', async () => {
    await occupy('memory');
    const first = get(RESOLVE);
    await waiting('memory', 1);
    releaseAll();
    expect((await first.answered)[0]).toBe(200);
    await occupy('memory');
    expect((await get(RESOLVE).answered)[0]).toBe(200);
  });
});

describe('A search', () => {
  it('needs a place, but holds none while it waits for a change', async () => {
    const { revision } = await catalog.api.get('/api/v1/discovery/namespaces');
    get(`/api/v1/discovery/instances?service=large&since=${revision}&waitSeconds=300`);
    await waitFor('it is held', async () => (await metricOf(catalog.api, 'pcs_waiting_reads')) === 1);
    expect(places.use().memory).toMatchObject({ taken: 0, waiting: 0 });
    await occupy('memory');
    const search = get('/api/v1/discovery/instances?service=large&limit=1');
    await waiting('memory', 1);
    releaseAll();
    expect((await search.answered)[0]).toBe(200);
  });
});

describe('Long work', () => {
  it.each(['/api/v1/audit/verify', '/api/v1/audit/export'])('waits for the one place: %s', async path => {
    await occupy('long');
    const asked = get(path);
    await waiting('long', 1);
    releaseAll();
    expect((await asked.answered)[0]).toBe(200);
    await waitFor('the place is free again', () => places.use().long.taken === 0);
  });
});
