import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { assertCatalogInvariants } from '../../support/catalog/catalog-invariants.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';

const RUNS = 150;

let catalog: CatalogService;
let instance: LeasedView;

beforeAll(async () => {
  catalog = await startCatalog();
  instance = await catalog.api.register({
    instanceId: 'victim',
    metadata: { tags: { a: 'b' }, list: [1, { c: null }] },
  });
});
afterAll(async () => {
  await assertCatalogInvariants(catalog.database.url);
  await catalog.close();
});

/** Texts that mean something to JavaScript, JSON, SQL, paths or Unicode. */
const aText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    'é',
    'e\u0301',
    '😀',
    '\u2028',
    '\\u0000',
    "'; --",
    '__proto__',
    'constructor',
    '$1',
  ),
  fc.constantFrom('orders', 'ORDERS', '10.0.0.1', '::1', 'a.b', 'healthy', 'starting', 'heartbeat', 'none', 'http'),
);
const aNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, 1, 80, 65_535, 65_536, 1.5, 1e21, 5e-324, 2 ** 53, -(2 ** 53), Number.MAX_VALUE),
);
const anything = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    aText,
    aNumber,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(aText, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

/** Mostly as it should be, sometimes anything at all. */
const mostly = (...values: unknown[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: anything });

const metadata = fc.oneof(
  fc.dictionary(fc.oneof(aText, fc.constantFrom('version', 'tags', 'capabilities')), anything, { maxKeys: 5 }),
  fc.constant({ version: '1.2.3', tags: { a: 'b' }, capabilities: ['x'] }),
);
const spec = {
  type: mostly('api', 'worker'),
  scheme: mostly('http', 'grpcs'),
  host: mostly('10.0.0.1', 'a.example', '2001:db8::1'),
  port: mostly(80, 8080),
  zone: mostly('eu-1', null),
  weight: mostly(0, 100),
  metadata,
  check: mostly({ kind: 'none' }, { ttlSeconds: 5 }, { kind: 'heartbeat', ttlSeconds: null }),
  status: mostly('starting', 'healthy'),
};
const registration = fc.record(
  { service: mostly('random'), instanceId: mostly('a', 'b', 'c'), namespace: mostly('default'), ...spec },
  { requiredKeys: ['service', 'host', 'port'] },
);
const replacement = fc.record(spec, { requiredKeys: ['host', 'port'] });
const patch = fc.oneof(fc.record(spec, { requiredKeys: [] }), fc.dictionary(aText, anything, { maxKeys: 3 }));
const report = fc.record({ healthy: mostly(true, false), output: mostly('x') }, { requiredKeys: ['healthy'] });
const override = fc.record(
  {
    status: mostly('maintenance', 'stopping', 'stopped'),
    reason: mostly('x', undefined),
    until: mostly('2099-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59-23:59'),
  },
  { requiredKeys: ['status'] },
);
const batch = fc.record({
  instances: fc.oneof({ weight: 5, arbitrary: fc.array(registration, { maxLength: 4 }) }, anything),
});
const ids = fc.record({
  ids: fc.array(fc.oneof(fc.uuid(), aText), { maxLength: 4 }),
});

const OPERATIONS: readonly (readonly [string, string, fc.Arbitrary<unknown>])[] = [
  ['POST', INSTANCES, registration],
  ['POST', `${INSTANCES}/batch`, batch],
  ['PUT', `${INSTANCES}/{id}`, replacement],
  ['PUT', named('by-name'), replacement],
  ['PATCH', `${INSTANCES}/{id}`, patch],
  ['PATCH', named('victim'), patch],
  ['POST', `${named('victim')}/health-reports`, report],
  ['PUT', `${INSTANCES}/{id}/override`, override],
  ['POST', '/api/v1/registry/heartbeats', ids],
  ['POST', '/api/v1/registry/deregistrations', ids],
];

describe('any JSON at all', () => {
  it.each(OPERATIONS)('sent by %s to %s is done or refused, and is never a failure', async (method, path, body) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: body }, { weight: 1, arbitrary: anything }), async value => {
        const answer = await catalog.api.send(method, path.replace('{id}', instance.id), JSON.stringify(value));
        expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
        expect([200, 201, 400, 404], JSON.stringify(answer.body)).toContain(answer.status);
      }),
      { numRuns: RUNS },
    );
  });

  it('that is taken comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(metadata, async said => {
        const json = JSON.stringify({ host: '10.0.0.1', port: 80, metadata: said });
        const answer = await catalog.api.send<LeasedView>('PUT', named('faithful'), json);
        if (answer.status === 400) return;
        const read = await catalog.api.read(answer.body.id);
        // What JSON itself does not tell apart (such as 0 and -0) is the same.
        expect(JSON.parse(JSON.stringify(read.metadata))).toEqual(JSON.parse(JSON.stringify(said)));
      }),
      { numRuns: RUNS },
    );
  });
});
