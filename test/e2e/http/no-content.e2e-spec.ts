import { afterAll, beforeAll, expect, it } from 'vitest';
import { INSTANCES, named } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { sendRaw } from '../../support/http/raw-http.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

const success = (status: number) => ({ status, code: undefined });

const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

/** How clients and proxies say that there is no content: lines of the head, and what follows it. */
const FRAMINGS = [
  ['', ''],
  ['Content-Length: 0\r\n', ''],
  [`${FORM}Content-Length: 0\r\n`, ''],
  ['Content-Type: application/json\r\n', ''],
  ['Content-Type: application/json\r\nContent-Length: 0\r\n', ''],
  ['Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n', ''],
  ['Content-Type: \r\nContent-Length: 0\r\n', ''],
  ['Content-Type: nonsense\r\nContent-Length: 0\r\n', ''],
  ['Transfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  [`${FORM}Transfer-Encoding: chunked\r\n`, '0\r\n\r\n'],
  ['Content-Type: nonsense\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ['Content-Type: application/merge-patch+json\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
] as const;

it.each(FRAMINGS)(
  'what says by %j and %j that it has no content is taken so by every operation',
  async (lines, rest) => {
    const { id } = await catalog.api.register({ instanceId: 'beating' });
    const ask = async (method: string, path: string) => {
      const answer = await sendRaw(
        catalog.api.url,
        `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n${rest}`,
      );
      return { status: Number(answer.slice(9, 12)), code: /"code":"(\w+)"/.exec(answer)?.[1] };
    };
    expect(await ask('PUT', `${INSTANCES}/${id}/heartbeat`)).toEqual(success(204));
    expect(await ask('PUT', `${named('beating')}/heartbeat`)).toEqual(success(204));
    expect(await ask('DELETE', `${named('beating')}/override`)).toEqual(success(200));
    expect(await ask('GET', named('beating'))).toEqual(success(200));
    expect(await ask('HEAD', '/api/v1/discovery/services')).toEqual(success(200));
    expect(await ask('GET', '/health/live')).toEqual(success(200));
    for (const [method, path] of [
      ['POST', INSTANCES],
      ['POST', `${INSTANCES}/batch`],
      ['POST', '/api/v1/registry/heartbeats'],
      ['PUT', named('beating')],
      ['PATCH', named('beating')],
      ['PUT', `${named('beating')}/override`],
      ['PUT', '/api/v1/registry/overrides'],
    ] as const) {
      expect(await ask(method, path), `${method} ${path}`).toEqual({ status: 400, code: 'MALFORMED_JSON' });
    }
    expect(await ask('DELETE', `${INSTANCES}/${id}`)).toEqual(success(204));
  },
);
