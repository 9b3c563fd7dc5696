import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { readTrial, readTrials, requestOf, sendTrial } from '../../support/openapi/openapi-trials.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

describe('the examples of the OpenAPI document', () => {
  it('succeed, every one of them as it stands, in the order of the document', async () => {
    const failures: string[] = [];
    for (const { operation } of await readTrials(catalog.api)) {
      const request = requestOf(await readTrial(catalog.api, operation.operationId));
      const answer = await sendTrial(catalog.api, request);
      const isEndless = answer.headers.get('content-type')?.startsWith('text/event-stream');
      if (isEndless) await answer.body?.cancel();
      const text = isEndless ? '' : await answer.text();
      if (!answer.ok) failures.push(`${operation.operationId} ${request.target}: ${answer.status} ${text}`);
    }
    expect(failures).toEqual([]);
  });

  it('are there for every body and every successful answer in JSON', async () => {
    const missing = (await readTrials(catalog.api))
      .filter(({ path }) => path.startsWith('/api/'))
      .flatMap(({ operation }) => {
        const parts = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
        const contents = [['request', operation.requestBody] as const, ...parts];
        return contents
          .filter(([, part]) => part?.content && Object.values(part.content)[0]?.example === undefined)
          .map(([part]) => `${operation.operationId} ${part}`);
      });
    expect(missing).toEqual([]);
  });
});
