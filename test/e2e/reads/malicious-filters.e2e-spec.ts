import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InstanceRecord } from '@coordination/catalog';
import { type Application, startApplication } from '../../support/nodes/application.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

const OWN = 'shop';
const FOREIGN = 'vault';
const FOREIGN_ONLY = `namespace == "${FOREIGN}"`;

let database: TestDatabase;
let node: Application;

const get = async (path: string) => await fetch(`${node.url}/api/v1/discovery/${path}`);

async function register(fields: Record<string, unknown>): Promise<void> {
  const response = await fetch(`${node.url}/api/v1/registry/instances`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'orders', host: '10.0.0.1', port: 8080, check: { kind: 'none' }, ...fields }),
  });
  expect(response.status).toBe(201);
}

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startApplication({ databaseUrl: database.url });
  await waitFor('the catalog to be loaded', async () => (await get('namespaces')).status === 200);
  for (const namespace of [OWN, FOREIGN]) {
    for (const instanceId of ['a', 'b', 'c']) {
      const metadata = {
        secret: `of ${namespace}`,
        text: 'a'.repeat(20_000),
        list: Array.from({ length: 200 }, (_, n) => n),
        'it"s': { '\\': "'" },
        version: '1.0.0',
      };
      await register({ namespace, instanceId, zone: 'eu', metadata });
    }
  }
});

afterAll(async () => {
  await node.close();
  await database.drop();
});

/** All routes that take filters. */
const ROUTES = ['services', 'services/orders/instances', 'instances'] as const;

const askAll = async (filter: string) =>
  await Promise.all(
    ROUTES.map(async route => {
      const response = await get(`${route}?namespace=${OWN}&filter=${encodeURIComponent(filter)}`);
      return { route, status: response.status, text: await response.text() };
    }),
  );

const nested = (open: string, inside: string, close: string, times: number) =>
  `${open.repeat(times)}${inside}${close.repeat(times)}`;

describe('filters that nobody means well with', () => {
  it.each<[string, string]>([
    ['open parentheses', '('.repeat(2_000)],
    ['nested parentheses', nested('(', 'zone is empty', ')', 900)],
    ['closing ones', ')'.repeat(2_000)],
    ['not', 'not '.repeat(500)],
    ['a long chain', `zone is empty${' or zone is empty'.repeat(110)}`],
    ['a long list', `port in [${'1,'.repeat(900)}1]`],
    ['deep paths', `metadata${'.a'.repeat(900)} == 1`],
    ['huge numbers', `metadata.a == ${'9'.repeat(1_900)}`],
    ['huge exponents', `metadata.a < 1e${'9'.repeat(1_900)}`],
    ['U+0000', 'metadata.a == "\\u0000"'],
    ['U+0000 as it is', 'metadata.a == "\0"'],
    ['U+0000 in a key', 'metadata["\\u0000"] == 1'],
    ['half a surrogate pair', 'metadata["\\ud800"] == "\\udfff"'],
    ['a text without an end', `zone == "${'\\"'.repeat(900)}`],
    ['too much of everything', 'x'.repeat(2_001)],
    ['a pattern without an end', 'zone matches "(((((((((("'],
    ['a pattern of many states', 'zone matches "((a{1,30}){1,30}){1,30}"'],
    ['a long pattern', `zone matches "${'a*'.repeat(400)}"`],
    ['a backward reference', 'zone matches `(a+)+\\1$`'],
    ['another statement', `zone == "x"; drop table service_instance; --`],
    ['another namespace', `zone == "x") or (namespace == "${FOREIGN}"`],
    ['a comment', 'zone == "x" -- "'],
    ['a parameter', 'zone == $1'],
    ['a prototype', '__proto__ == "x"'],
    ['a constructor', 'constructor.name == "Object"'],
    ['an operator of PostgreSQL', `metadata @> "{}"`],
    ['a jsonpath', 'metadata.$ == 1'],
    ['emptiness', ' \n\t '],
    ['control characters', '\u0001\u001b[2J'],
    ['U+FEFF', '\ufeffzone is empty'],
  ])('are refused: %s', async (_, filter) => {
    for (const { route, status, text } of await askAll(filter)) {
      expect({ route, status }).toEqual({ route, status: 400 });
      const { errors } = JSON.parse(text) as { errors: { path: string; message: string }[] };
      expect(errors[0]?.path, text).toBe('/query/filter');
      expect(text.length).toBeLessThan(2_000);
    }
  });

  it.each<[string, string]>([
    ['other namespaces', FOREIGN_ONLY],
    ['other namespaces or not', `namespace == "${FOREIGN}" or namespace != "${FOREIGN}"`],
    ['other namespaces by a pattern', `namespace matches ".*"`],
    ['secrets', 'metadata.secret is not empty'],
    ['secrets by a pattern', 'metadata.secret matches "^of "'],
    ['all', 'zone is empty or not zone is empty'],
    ['SQL in a text', `zone == "x' or 1=1 --" or zone != "'; drop table service_instance; --"`],
    ['SQL in a key', `metadata["a' or 1=1 --"] is empty`],
    ['jsonpath in a key', `metadata["$.** ? (@ == 1)"] != 1 and metadata["{a,b}"] != 2`],
    ['parameters in a text', 'zone != "$1" and zone != "$2::text" and host != "%s" and host != "?"'],
    ['quotes', 'metadata["it\\"s"]["\\\\"] == "\'"'],
    ['prototypes', 'metadata.__proto__ is empty and metadata.constructor is empty and "__proto__" not in metadata'],
    ['texts as numbers', 'not metadata.text > 1 and not metadata.version < 2 and not metadata.list <= 3'],
    ['what makes backtracking endless', 'not metadata.text matches "^(a+)+$b" and metadata.text matches "(a|a)*"'],
    [
      'what makes states many',
      'metadata.text matches "(a|aa|aaa)*(a?){30}a{30}" and metadata.text not matches "(.*){5}b$"',
    ],
    ['many nots', `${'not '.repeat(400)}zone == "eu"`],
    ['many terms', Array(55).fill('metadata.text contains "a"').join(' and ')],
  ])('show nothing of another namespace, and nobody waits: %s', async (_, filter) => {
    for (const { route, status, text } of await askAll(filter)) {
      expect({ route, status }, text).toEqual({ route, status: 200 });
      expect(text).not.toContain(FOREIGN);
      if (filter === FOREIGN_ONLY) continue;
      // What holds for all of them finds all of them: the question was understood.
      const { items, instances } = JSON.parse(text) as { items?: InstanceRecord[]; instances?: InstanceRecord[] };
      if (route !== 'services') expect((items ?? instances)?.map(it => it.instanceId)).toEqual(['a', 'b', 'c']);
      else expect(text).toContain('"total":3');
    }
  });

  it('find everywhere only where everywhere was asked for', async () => {
    const filter = encodeURIComponent('metadata.secret matches "^of "');
    const response = await get(`instances?namespace=*&filter=${filter}`);
    const { items } = (await response.json()) as { items: InstanceRecord[] };
    expect(items.map(it => it.namespace)).toEqual([OWN, OWN, OWN, FOREIGN, FOREIGN, FOREIGN]);
  });
});
