import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { stringify } from 'yaml';
import { type GuideOptions } from '../pages/guides.js';
import { CONSTANT, servePages } from '../pages/serve-pages.js';
import { type ApiDescription, buildOpenApiDocument } from './openapi-document.js';
import { documentBelow } from './openapi-links.js';

/** Placeholder for the prefix of a proxy in documents, because serializing them takes long, above all as YAML. */
const PREFIX_MARK = '/prefix-of-the-proxy';

/** Options of the documentation. */
export interface ApiDocsOptions {
  /**
   * Pairs of a text in the examples and its present replacement: ids that the server creates are known only after the
   * examples before them have been tried.
   */
  readonly liveExamples?: () => Iterable<readonly [example: string, live: string]>;
  readonly guides?: GuideOptions;
}

/** Serves the OpenAPI document and the documentation pages. The document is built once, on the first request. */
export function serveApiDocs(app: NestFastifyApplication, api: ApiDescription, options: ApiDocsOptions = {}): void {
  const server = app.getHttpAdapter().getInstance();
  const document = once(() => buildOpenApiDocument(app, api));
  const below = (base: string) => {
    const linked = once(() => documentBelow(base, document()));
    return { json: once(() => openApiJson(linked())), yaml: once(() => openApiYaml(linked())) };
  };
  const usual = below(server.ownLinks.fixedBase);
  const marked = below(PREFIX_MARK);
  /** The text for a request. Texts per prefix are not cached, so that requests can neither cost much nor fill the memory. */
  const textFor = (request: FastifyRequest, format: 'json' | 'yaml') => {
    const base = server.ownLinks.baseFor(request.raw);
    if (base === server.ownLinks.fixedBase) return usual[format]();
    return marked[format]().replaceAll(PREFIX_MARK, () => base);
  };
  const live = (text: string) => {
    let result = text;
    for (const [example, now] of options.liveExamples?.() ?? []) result = result.replaceAll(example, now);
    return result;
  };
  server.get('/openapi.json', { config: CONSTANT }, (request, reply) => {
    server.ownLinks.markVarying(reply);
    return reply.type('application/json').send(live(textFor(request, 'json')));
  });
  server.get('/openapi.yaml', { config: CONSTANT }, (request, reply) => {
    server.ownLinks.markVarying(reply);
    return reply.type('application/yaml').send(live(textFor(request, 'yaml')));
  });
  servePages(server, { title: api.title, guides: options.guides });
}

/** The text of docs/openapi.json. */
export const openApiJson = (document: OpenAPIObject): string => `${JSON.stringify(document, null, 2)}\n`;

/** The text of docs/openapi.yaml. */
export const openApiYaml = (document: OpenAPIObject): string => stringify(document, { aliasDuplicateObjects: false });

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
