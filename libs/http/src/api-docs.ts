import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { stringify } from 'yaml';
import { errorIndexPage, errorPage } from './error-reference.js';
import { pathOf } from './error-mapping.js';
import { RouteNotFoundError } from './http.errors.js';
import { type ApiDescription, buildOpenApiDocument } from './openapi-document.js';

const HTML = 'text/html; charset=utf-8';

/** What else the documentation needs. */
export interface ApiDocsOptions {
  /**
   * Pairs of a text in the examples and what stands in its place just now: ids that the server makes are known only when
   * the examples before them have been tried.
   */
  readonly liveExamples?: () => Iterable<readonly [example: string, live: string]>;
}

/** Serves the OpenAPI document, Swagger UI and the pages of the error codes. The document is built once, when it is asked for. */
export function serveApiDocs(app: NestFastifyApplication, api: ApiDescription, options: ApiDocsOptions = {}): void {
  const server = app.getHttpAdapter().getInstance();
  const document = once(() => buildOpenApiDocument(app, api));
  const json = once(() => openApiJson(document()));
  const yaml = once(() => openApiYaml(document()));
  const live = (text: string) => {
    let result = text;
    for (const [example, now] of options.liveExamples?.() ?? []) result = result.replaceAll(example, now);
    return result;
  };
  server.get('/openapi.json', (_request, reply) => reply.type('application/json').send(live(json())));
  server.get('/openapi.yaml', (_request, reply) => reply.type('application/yaml').send(live(yaml())));
  server.get('/docs/errors', (_request, reply) => reply.type(HTML).send(errorIndexPage()));
  server.get<{ Params: { code: string } }>('/docs/errors/:code', (request, reply) => {
    const page = errorPage(request.params.code);
    if (page === undefined) throw new RouteNotFoundError(request.method, pathOf(request.url));
    return reply.type(HTML).send(page);
  });
  SwaggerModule.setup('docs', app, document, {
    raw: false,
    customSiteTitle: api.title,
    patchDocumentOnRequest: () => JSON.parse(live(json())) as OpenAPIObject,
    swaggerOptions: { tryItOutEnabled: true, displayRequestDuration: true, docExpansion: 'list' },
  });
}

/** The text of a document as docs/openapi.json has it. */
export const openApiJson = (document: OpenAPIObject): string => `${JSON.stringify(document, null, 2)}\n`;

/** The text of a document as docs/openapi.yaml has it. */
export const openApiYaml = (document: OpenAPIObject): string => stringify(document, { aliasDuplicateObjects: false });

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
