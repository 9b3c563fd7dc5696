import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { stringify } from 'yaml';
import { type ApiDescription, buildOpenApiDocument } from './openapi-document.js';
import { documentBelow } from './openapi-links.js';
import { type GuideOptions } from '../pages/guides.js';
import { servePages } from '../pages/serve-pages.js';

/** Stands for the prefix of any proxy in documents, which take long to write, above all as YAML. */
const PREFIX_MARK = '/prefix-of-the-proxy';

/** What else the documentation needs. */
export interface ApiDocsOptions {
  /**
   * Pairs of a text in the examples and what stands in its place just now: ids that the server makes are known only when
   * the examples before them have been tried.
   */
  readonly liveExamples?: () => Iterable<readonly [example: string, live: string]>;
  readonly guides?: GuideOptions;
}

/** Serves the OpenAPI document, and the pages for people. The document is built once, when it is asked for. */
export function serveApiDocs(app: NestFastifyApplication, api: ApiDescription, options: ApiDocsOptions = {}): void {
  const server = app.getHttpAdapter().getInstance();
  const document = once(() => buildOpenApiDocument(app, api));
  const below = (base: string) => {
    const linked = once(() => documentBelow(base, document()));
    return { json: once(() => openApiJson(linked())), yaml: once(() => openApiYaml(linked())) };
  };
  const usual = below(server.ownLinks.fixedBase);
  const marked = below(PREFIX_MARK);
  /** The text for whoever asks. One for a prefix is not kept: nobody can make the service write documents, or fill its memory. */
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
  server.get('/openapi.json', (request, reply) => {
    server.ownLinks.markVarying(reply);
    return reply.type('application/json').send(live(textFor(request, 'json')));
  });
  server.get('/openapi.yaml', (request, reply) => {
    server.ownLinks.markVarying(reply);
    return reply.type('application/yaml').send(live(textFor(request, 'yaml')));
  });
  servePages(server, { title: api.title, guides: options.guides });
}

/** The text of a document as docs/openapi.json has it. */
export const openApiJson = (document: OpenAPIObject): string => `${JSON.stringify(document, null, 2)}\n`;

/** The text of a document as docs/openapi.yaml has it. */
export const openApiYaml = (document: OpenAPIObject): string => stringify(document, { aliasDuplicateObjects: false });

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
