import { PLAIN_RESPONSE_HEADERS, RESPONSE_HEADERS } from '@coordination/http/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { readTrial, readTrials, requestOf } from '../../support/openapi/openapi-trials.js';
import { waitFor } from '../../support/time/wait-for.js';

const UI = 'https://ui.example';
const KNOWN = new Set([...Object.keys(RESPONSE_HEADERS).map(name => name.toLowerCase()), ...PLAIN_RESPONSE_HEADERS]);

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog({ env: { PCS_CORS_ORIGINS: UI } });
});
afterAll(() => catalog.close());

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What is wrong with the headers of an answer for a script of an allowed origin. */
async function faultsOf({ method, target, headers, body }: Asked): Promise<string[]> {
  const answer = await fetch(catalog.api.url + target, {
    method,
    headers: { ...headers, origin: UI },
    redirect: 'manual',
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await answer.body?.cancel();
  const exposed = new Set(
    (answer.headers.get('access-control-expose-headers') ?? '').split(', ').map(name => name.toLowerCase()),
  );
  const at = `${method} ${target} (${answer.status})`;
  return [
    ...(answer.headers.get('access-control-allow-origin') === UI ? [] : [`${at} has no headers of CORS`]),
    ...(answer.headers.has('x-request-id') ? [] : [`${at} has no request id`]),
    ...(answer.headers.get('x-content-type-options') === 'nosniff' ? [] : [`${at} lacks nosniff`]),
    ...[...answer.headers.keys()].filter(name => !KNOWN.has(name)).map(name => `${at} has the undeclared ${name}`),
    ...[...answer.headers.keys()]
      .filter(name => !PLAIN_RESPONSE_HEADERS.has(name) && !exposed.has(name))
      .map(name => `${at} does not expose ${name}`),
  ];
}

describe('The headers of answers', () => {
  it('are all declared, and may be read by scripts: of every operation, and of HEAD of what can be got', async () => {
    const faults: string[] = [];
    for (const { operation } of await readTrials(catalog.api)) {
      const request = requestOf(await readTrial(catalog.api, operation.operationId));
      faults.push(...(await faultsOf(request)));
      if (request.method === 'GET') faults.push(...(await faultsOf({ ...request, method: 'HEAD' })));
    }
    expect(faults).toEqual([]);
  });

  it.each<[string, Asked]>([
    ['the documentation', { method: 'GET', target: '/docs' }],
    ['a file of the documentation', { method: 'GET', target: '/docs/swagger-ui.css' }],
    ['a page of an error', { method: 'GET', target: '/docs/errors/VALIDATION_FAILED' }],
    ['the OpenAPI document', { method: 'GET', target: '/openapi.json' }],
    ['no route', { method: 'GET', target: '/nothing' }],
    ['another method', { method: 'DELETE', target: INSTANCES }],
    ['a path that cannot be decoded', { method: 'GET', target: `${INSTANCES}/%zz` }],
    ['a segment of two dots', { method: 'GET', target: `${INSTANCES}/%2e%2e` }],
    ['an unknown parameter', { method: 'GET', target: '/health?x=1' }],
    ['no body', { method: 'POST', target: INSTANCES }],
    [
      'a body of another type',
      { method: 'POST', target: INSTANCES, headers: { 'content-type': 'text/plain' }, body: 'x' },
    ],
    ['a bad reason', { method: 'POST', target: INSTANCES, headers: { 'x-change-reason': 'x'.repeat(501) } }],
    ['an instance that is not there', { method: 'GET', target: `${INSTANCES}/019b0f1e-7a52-7c3d-9a64-2f1f0f5f3b21` }],
    [
      'a stale version',
      { method: 'DELETE', target: '/api/v1/registry/services/orders/instances/nobody', headers: { 'if-match': '"9"' } },
    ],
  ])('are all declared, and may be read by scripts: of %s', async (_what, asked) => {
    expect(await faultsOf(asked)).toEqual([]);
  });

  it('are those of a guarded service, and of a choice among the unfit, too', async () => {
    await catalog.api.register({ service: 'headers' });
    const [first] = [`/api/v1/discovery/services/headers/instances`];
    const order = { action: 'force', scope: { service: 'headers' }, reason: 'to see the header' };
    await catalog.api.ok('POST', '/api/v1/liveness/guard', order);
    await waitFor('the guard is told', async () => (await catalog.api.get(first)).headers.has('x-liveness-guard'));
    const target = '/api/v1/discovery/services/headers/resolve?panicThreshold=1';
    expect(await faultsOf({ method: 'GET', target: first })).toEqual([]);
    expect(await faultsOf({ method: 'GET', target })).toEqual([]);
  });
});
