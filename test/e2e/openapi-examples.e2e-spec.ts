import { type OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogService, startCatalog } from '../support/catalog-service.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

type Simple = string | number | boolean;

/** The parts of an operation that somebody who presses "Try it out" sends. */
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: Simple | readonly Simple[];
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { example?: unknown }>> }>>;
}

interface Trial {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

const readDocument = () => catalog.api.ok<OpenAPIObject>('GET', '/openapi.json');

/** All operations in the order in which the document, and so Swagger UI, has them. */
function trialsOf(document: OpenAPIObject): Trial[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => (METHODS as readonly string[]).includes(method))
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation: operation as Operation })),
  );
}

/** The request that Swagger UI would send for an operation whose fields nobody has touched. */
function requestOf({ path, operation }: Trial) {
  const headers: Record<string, string> = {};
  const query = new URLSearchParams();
  let target = path;
  for (const { name, in: place, example } of operation.parameters ?? []) {
    if (example === undefined) continue;
    if (place === 'path') target = target.replace(`{${name}}`, encodeURIComponent(String(example)));
    else if (place === 'header') headers[name] = String(example);
    else for (const value of [example].flat()) query.append(name, String(value));
  }
  const [mediaType, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (mediaType !== undefined) headers['content-type'] = mediaType;
  return { target: query.size > 0 ? `${target}?${query.toString()}` : target, headers, body: media?.example };
}

describe('the examples of the OpenAPI document', () => {
  it('succeed, every one of them as it stands, in the order of the document', async () => {
    const failures: string[] = [];
    for (const { operation } of trialsOf(await readDocument())) {
      // Read again, since ids that the server made meanwhile are in the examples now.
      const trial = trialsOf(await readDocument()).find(other => other.operation.operationId === operation.operationId);
      const { target, headers, body } = requestOf(trial!);
      const answer = await fetch(catalog.api.url + target, {
        method: trial!.method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const isEndless = answer.headers.get('content-type')?.startsWith('text/event-stream');
      if (isEndless) await answer.body?.cancel();
      const text = isEndless ? '' : await answer.text();
      if (!answer.ok) failures.push(`${operation.operationId} ${target}: ${answer.status} ${text}`);
    }
    expect(failures).toEqual([]);
  });

  it('are there for every body and every successful answer in JSON', async () => {
    const missing = trialsOf(await readDocument())
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
