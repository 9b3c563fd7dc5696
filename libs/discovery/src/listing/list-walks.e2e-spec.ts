import * as fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, LONG_LEASE, named } from '../../../../test/support/http/api.js';
import { type CatalogNode, startNode } from '../../../../test/support/catalog/catalog-service.js';
import { compactSome } from '../../../../test/support/log/compaction.js';
import { CatalogAuthor } from '../../../../test/support/catalog/catalog-author.js';
import { type DisposableDirectory, disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { makePartitionsSmall } from '../../../../test/support/database/small-partitions.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';

interface Page {
  readonly revision: number;
  readonly counts: object;
  readonly instances: readonly Readonly<Record<string, unknown>>[];
  readonly nextCursor: string | null;
}

const listOf = (service: string, query: string): string =>
  `/api/v1/discovery/services/${service}/instances?status=any&${query}`;

const revisionOf = async (api: Api, service: string): Promise<number> =>
  (await api.ok<Page>('GET', listOf(service, ''))).revision;

/** The pages after a cursor; each may be asked of another node. */
async function walkOn(query: string, cursor: string, apiFor: (page: number) => Api | Promise<Api>): Promise<Page[]> {
  const pages: Page[] = [];
  for (let next: string | null = cursor; next !== null; next = pages.at(-1)!.nextCursor) {
    const api = await apiFor(pages.length + 1);
    pages.push(await api.ok<Page>('GET', listOf('busy', `${query}&cursor=${next}`)));
  }
  return pages;
}

let database: TestDatabase;
let nodes: CatalogNode[];

const sql = async (statement: string): Promise<void> => {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(statement);
  await client.end();
};

/** Names that sort in one way by their bytes, and in another one in the order of a language. */
const NAMES = fc.sample(
  fc
    .string({ unit: fc.constantFrom(...'aAbBzZ019._:@-'.split('')), minLength: 2, maxLength: 5 })
    .filter(name => name !== '..'),
  { numRuns: 60, seed: 20261201 },
);

describe.each([
  ['bytes', undefined],
  ['English', 'en-x-icu'],
])('A walk over pages under writes, in a database with the order of %s', (_, collation) => {
  const WRITERS = 3;
  const WALKS = 12;

  beforeAll(async () => {
    database = await createTestDatabase();
    for (const table of collation === undefined ? [] : ['service_event', 'catalog_baseline', 'service_instance']) {
      await sql(`alter table ${table} alter column instance_id type text collate "${collation}"`);
    }
    nodes = [await startNode(database.url), await startNode(database.url)];
    const instances = NAMES.slice(0, 40).map(instanceId => ({
      service: 'busy',
      instanceId,
      host: '10.0.0.1',
      port: 80,
      check: LONG_LEASE,
    }));
    const unique = [...new Map(instances.map(it => [it.instanceId, it])).values()];
    await nodes[0]!.api.ok('POST', '/api/v1/registry/instances/batch', { instances: unique });
  });
  afterAll(async () => {
    for (const node of nodes) await node.close();
    await database.drop();
  });

  it('has what the service had at the revision of the first page, and nothing else, on whichever nodes', async () => {
    const [one, other] = nodes.map(node => node.api);
    const over = new AbortController();
    const writing = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let turn = 0; !over.signal.aborted; turn++) {
        const name = NAMES[(turn * 7 + writer * 13) % NAMES.length]!;
        if (turn % 3 === 0) await one!.send('DELETE', named(name, 'busy'));
        else await other!.register({ service: 'busy', instanceId: name, weight: turn % 1_000 });
      }
    });
    const begun: { readonly query: string; readonly cursor: string; readonly rest: Page['instances'] }[] = [];
    const walk = async (query: string, apis: readonly Api[]) => {
      const first = await one!.ok<Page>('GET', listOf('busy', query));
      const apiFor = async (page: number) => {
        const api = apis[page % apis.length]!;
        await waitFor('the service has changed', async () => (await revisionOf(api, 'busy')) > first.revision);
        return api;
      };
      return [first, ...(await walkOn(query, first.nextCursor!, apiFor))];
    };
    try {
      for (let n = 0; n < WALKS; n++) {
        const fields = n % 2 ? '&fields=weight,version' : '';
        const query = `limit=${5 + (n % 4) * 7}${fields}`;
        const pages = await walk(query, n % 3 === 0 ? [one!] : [one!, other!]);
        expect(pages.length).toBeGreaterThan(1);
        const { revision, counts } = pages[0]!;
        const whole = await other!.ok<Page>('GET', listOf('busy', `asOf=${revision}${fields}`));
        expect(pages.flatMap(({ instances }) => instances)).toEqual(whole.instances);
        for (const page of pages) expect(page).toMatchObject({ revision, counts });
        expect(whole).toMatchObject({ revision, counts });
        const names = whole.instances.map(({ instanceId }) => instanceId as string);
        expect(names).toEqual(names.toSorted());
        begun.push({ query, cursor: pages[0]!.nextCursor!, rest: whole.instances.slice(pages[0]!.instances.length) });
      }
    } finally {
      over.abort();
      await Promise.all(writing);
    }
    // A node that starts later knows nothing of those moments, so the log has to tell who is on the pages.
    nodes.push(await startNode(database.url));
    const late = nodes.at(-1)!.api;
    for (const { query, cursor, rest } of begun) {
      const pages = await walkOn(query, cursor, () => late);
      expect(pages.flatMap(({ instances }) => instances)).toEqual(rest);
    }
  });
});

describe('A walk over pages whose revision is before the beginning of the log', () => {
  const SIZE = 20;
  let node: CatalogNode;
  let directory: DisposableDirectory;

  beforeAll(async () => {
    database = await createTestDatabase();
    await makePartitionsSmall(database.url, SIZE);
    node = await startNode(database.url);
    directory = disposableDirectory();
  });
  afterAll(async () => {
    await node.close();
    await database.drop();
    await directory.remove();
  });

  const compact = async () => {
    const author = await CatalogAuthor.open(database.url);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await compactSome({ databases: author.databases, client, exportDir: directory.path, partitions: 100 });
    await client.end();
    await author.close();
  };

  it('continues if the service was the same until there, and gets 410 if not', async () => {
    const { api } = node;
    const services = ['quiet', 'loud', 'removed'];
    const next = new Map<string, string>();
    const wholes = new Map<string, Page>();
    for (const service of services) {
      for (const instanceId of ['a', 'b', 'c', 'd']) await api.register({ service, instanceId });
      const first = await api.ok<Page>('GET', listOf(service, 'limit=1'));
      next.set(service, listOf(service, `limit=3&cursor=${first.nextCursor}`));
      wholes.set(service, await api.ok<Page>('GET', listOf(service, '')));
    }
    await api.register({ service: 'loud', instanceId: 'c', weight: 1 });
    await api.ok('DELETE', named('c', 'removed'));
    for (let n = 0; n < 2 * SIZE; n++) await api.register({ service: 'other', instanceId: 'x', weight: n });
    await compact();
    const oldest = (await api.ok<{ oldestRevision: number }>('GET', '/api/v1/audit/retention')).oldestRevision;
    expect(oldest).toBeGreaterThan(wholes.get('removed')!.revision);

    const rest = async () => (await api.ok<Page>('GET', next.get('quiet')!)).instances;
    expect(await rest(), 'from memory').toEqual(wholes.get('quiet')!.instances.slice(1));
    await api.ok('DELETE', named('b', 'quiet'));
    expect(await rest(), 'from the log').toEqual(wholes.get('quiet')!.instances.slice(1));
    for (const service of ['loud', 'removed']) {
      const { status, body } = await api.get(next.get(service)!);
      expect({ service, status, body }).toMatchObject({
        status: 410,
        body: { code: 'REVISION_COMPACTED', oldestRevision: oldest },
      });
    }
    // Of services that were dropped since, the log does not keep who went before its beginning.
    await sql(`insert into namespace_floor (namespace, revision) values ('default', ${oldest + 1})`);
    expect((await api.get(next.get('quiet')!)).status).toBe(410);
  });
});
