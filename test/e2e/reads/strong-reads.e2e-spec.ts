import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api } from '../../support/http/api.js';
import { type CatalogNode, headOf, startNode } from '../../support/catalog/catalog-service.js';
import { metricsOf } from '../../support/nodes/metrics.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

/** Nobody is notified, and nobody polls: a node knows only what it did itself, and what it is made to look at. */
const DEAF = { PCS_VIEW_POLL_MS: '60000', DATABASE_LISTEN_URL: 'postgres://nobody@127.0.0.1:1/none' };

const DISCOVERY = '/api/v1/discovery';
/** Everything that can be asked, of a service that is known to exist. */
const QUESTIONS = (service: string) => [
  `${DISCOVERY}/namespaces?`,
  `${DISCOVERY}/services?`,
  `${DISCOVERY}/services?type=api&`,
  `${DISCOVERY}/services/${service}/instances?`,
  `${DISCOVERY}/services/${service}/resolve?`,
  `${DISCOVERY}/instances?service=${service}&`,
];

let database: TestDatabase;
let proxy: PostgresProxy;
let writing: CatalogNode;
let deaf: CatalogNode;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  writing = await startNode(database.url, DEAF);
  deaf = await startNode(proxy.url, DEAF);
});
afterAll(async () => {
  await deaf.close();
  await writing.close();
  await proxy.shut();
  await database.drop();
});

const register = (service: string, instanceId = 'a') =>
  writing.api.register({ service, instanceId, check: { kind: 'none' } });

/** The instances that a node finds by itself of a service. */
async function found(api: Api, service: string, parameters = ''): Promise<string[]> {
  const path = `${DISCOVERY}/services/${service}/instances?${parameters}`;
  const { instances } = await api.ok<{ instances: { instanceId: string }[] }>('GET', path);
  return instances.map(({ instanceId }) => instanceId);
}

const askStrongly = () => deaf.api.get(`${DISCOVERY}/namespaces?consistency=strong`);

/** How many strong reads the deaf node was asked for, and how many questions it put to the primary. */
async function counts(): Promise<readonly [number, number]> {
  const metrics = await metricsOf(deaf.api);
  return [metrics.get('pcs_strong_reads_total')!, metrics.get('pcs_read_index_queries_total')!];
}

describe('a strong read of a node that hears of nothing', () => {
  it('shows what was acknowledged before it, which an eventual one does not', async () => {
    await register('unheard');
    expect(await found(deaf.api, 'unheard'), 'the node is not deaf').toEqual([]);
    expect(await found(deaf.api, 'unheard', 'consistency=strong')).toEqual(['a']);
  });

  it('shows every write at once, whatever is asked, and says that it is current', async () => {
    for (let n = 0; n < 20; n++) {
      const service = `strong-${n}`;
      const { revision } = await register(service);
      const asked = performance.now();
      const answers = await Promise.all(QUESTIONS(service).map(path => deaf.api.get(`${path}consistency=strong`)));
      for (const answer of answers) {
        expect(answer.status).toBe(200);
        expect(answer.revision).toBeGreaterThanOrEqual(revision);
        // Whole seconds since this node asked the primary for it: none, unless the machine is busy.
        const longestSeconds = Math.ceil((performance.now() - asked) / 1_000);
        expect(Number(answer.headers.get('x-catalog-staleness'))).toBeLessThan(longestSeconds);
      }
      expect(JSON.stringify(answers[1]!.body)).toContain(service);
      expect(answers[3]!.body).toMatchObject({ instances: [{ instanceId: 'a' }] });
      expect(answers[4]!.body).toMatchObject({ instance: { service } });
      expect(answers[5]!.body).toMatchObject({ items: [{ service }] });
    }
  });

  it('shares its question to the primary with all who came before that was sent', async () => {
    const [reads, queries] = await counts();
    // Others read the head as well, now and then, on other connections.
    const held = proxy.intercept(/catalog_head/, 'after', 'platform-coordination writer');
    const first = askStrongly();
    await held.reached;
    const others = Array.from({ length: 50 }, askStrongly);
    await waitFor('all have come', async () => (await counts())[0] === reads + 51);
    held.resume();
    for (const { status } of await Promise.all([first, ...others])) expect(status).toBe(200);
    expect((await counts())[1] - queries).toBe(2);
  });
});

describe('minRevision', () => {
  it('shows one’s own write through another node, whatever is asked', async () => {
    for (let n = 0; n < 6; n++) {
      const service = `own-${n}`;
      const { revision } = await register(service);
      const answer = await deaf.api.get(`${QUESTIONS(service)[n]}minRevision=${revision}`);
      expect(answer.status).toBe(200);
      expect(answer.revision).toBeGreaterThanOrEqual(revision);
      expect(await found(deaf.api, service, `minRevision=${revision}`)).toEqual(['a']);
    }
  });

  it('above the head is a revision that the catalog does not know', async () => {
    const head = await headOf(writing.api);
    await register('known');
    const ask = (path: string) => deaf.api.get(`${path}minRevision=${head + 1_000}`);
    for (const { status, body } of await Promise.all(QUESTIONS('known').map(ask))) {
      expect({ status, code: body.code }).toEqual({ status: 410, code: 'REVISION_UNKNOWN' });
    }
  });
});

describe.each([
  { how: 'refuses connections', goAway: () => proxy.shut(), comeBack: () => proxy.open() },
  { how: 'says nothing', goAway: async () => proxy.setSilent(true), comeBack: async () => proxy.setSilent(false) },
])('while the database $how', ({ how, goAway, comeBack }) => {
  let known: number;

  beforeAll(async () => {
    known = (await register('held')).revision;
    await askStrongly();
    await goAway();
  });
  afterAll(async () => {
    await comeBack();
    await waitFor('the node is well', async () => (await askStrongly()).status === 200);
  });

  it('nothing strong is answered, and it is said why', async () => {
    const answers = await Promise.all(QUESTIONS('held').map(path => deaf.api.get(`${path}consistency=strong`)));
    for (const { status, body } of answers) {
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'STORE_UNAVAILABLE' });
    }
  });

  it('what the node has is answered, also to those who know that it has it', async () => {
    expect(await found(deaf.api, 'held')).toEqual(['a']);
    expect(await found(deaf.api, 'held', `minRevision=${known}`)).toEqual(['a']);
    for (const path of QUESTIONS('held')) {
      expect((await deaf.api.get(`${path}minRevision=${known}`)).status, path).toBe(200);
    }
  });

  it('what it may not have is neither answered nor called unknown', async () => {
    const { revision } = await register(`later-${how.replaceAll(' ', '-')}`);
    const { status, body } = await deaf.api.get(`${DISCOVERY}/namespaces?minRevision=${revision}`);
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'STALE_VIEW' });
    expect(body.detail).toContain(String(revision));
  });
});
