import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { runnable } from '../../support/openapi/compile-client.js';
import { Contract, eventsOf } from '../../support/openapi/openapi-contract.js';
import { waitFor } from '../../support/time/wait-for.js';

/** The modules of test/client-life, which are typed by the document and so by nothing that the tests can import. */
interface Client {
  readonly clientOf: (url: string, seen: (...what: readonly [string, string, Response, string]) => void) => unknown;
}
interface Life {
  readonly life: (call: unknown) => Promise<unknown>;
  readonly told: (event: unknown) => string;
}

let catalog: CatalogService;
let contract: Contract;

beforeAll(async () => {
  catalog = await startCatalog();
  contract = await Contract.of(catalog.api.url);
});
afterAll(() => catalog.close());

it('the life of a client that compiles against the document is what the service lets it live', async () => {
  // So one is active while the client looks.
  await catalog.api.ok('POST', '/api/v1/liveness/guard', { action: 'force', scope: 'all', reason: 'a drill' });
  await waitFor('the guard holds', async () => {
    const { guards } = await catalog.api.ok<{ guards: object[] }>('GET', '/api/v1/liveness');
    return guards.length > 0;
  });
  const { clientOf } = await runnable<Client>('client');
  const { life, told } = await runnable<Life>('life');
  const call = clientOf(catalog.api.url, (method, target, { status, headers }, text) => {
    const isJson = /[/+]json/.test(headers.get('content-type') ?? '');
    const body: unknown = text === '' ? undefined : isJson ? JSON.parse(text) : text;
    contract.judge(method, target, { status, headers, body });
  });
  expect(await life(call)).toEqual({
    checks: [
      'heartbeat 30',
      'heartbeat 600',
      'none for ever',
      'HEAD /up each 30 s',
      'connect each 5 s',
      'ask orders each 30 s',
    ],
    held: expect.arrayContaining([expect.stringMatching(/^(all|service) holding /) as string]) as string[],
    outcomes: ['created'],
    remedies: [expect.stringMatching(/^read again: version \d+$/) as string, 'register again'],
    until: '2099-01-01T00:00:00.000Z',
    listed: [1, 1],
    explained: ['operator', 'holding'],
    chosen: ['http://10.0.0.1:80', 'degraded'],
    health: 'degraded',
    ordered: ['force', 'service'],
    audited: expect.arrayContaining([
      'instance.registered',
      'instance.health_changed',
      'instance.override_set',
    ]) as string[],
    cleared: expect.any(Number) as number,
  });
  expect(contract.breaches).toEqual([]);

  const watch = await fetch(`${catalog.api.url}/api/v1/discovery/watch?service=life`);
  const reader = watch.body!.getReader();
  let text = '';
  while (!text.includes('event: snapshot') || !text.endsWith('\n\n')) {
    text += new TextDecoder().decode((await reader.read()).value);
  }
  await reader.cancel();
  expect(eventsOf(text).map(told)[0]).toMatch(/^1 at \d+$/);
});
