import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { finishExamples } from './openapi-examples.js';
import { COMPONENT_MARK, schemaConverter } from './openapi-schemas.js';
import { ProblemView } from './problem.js';

/** What the document says of the service as a whole. */
export interface ApiDescription {
  readonly title: string;
  readonly version: string;
  /** Markdown. */
  readonly description: string;
  readonly license: { readonly name: string; readonly url: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

type Json = unknown;

/** The OpenAPI 3.1 document of an application, from its controllers alone: nothing needs to run. */
export function buildOpenApiDocument(app: INestApplication, api: ApiDescription): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(api.title)
    .setVersion(api.version)
    .setDescription(api.description)
    .setLicense(api.license.name, api.license.url)
    .addServer('/', 'Where this document comes from');
  for (const { name, description } of api.tags) builder.addTag(name, description);
  const convert = schemaConverter();
  const document = SwaggerModule.createDocument(
    app,
    { ...builder.build(), security: [] },
    {
      standardSchemaConverter: convert,
      // Without a summary and an id of its own a route is not part of the API.
      onlyIncludeDecoratedEndpoints: true,
    },
  );
  const schemas = { ...document.components?.schemas, ...convert(ProblemView, { schemaType: 'output' }).components };
  document.components = { ...document.components, schemas };
  for (const item of Object.values(document.paths)) finishExamples(item);
  const finished = withReferences(document) as OpenAPIObject;
  dropUnusedSchemas(finished);
  refuseRepeatedIds(finished);
  return inReadingOrder(finished);
}

function inReadingOrder({ openapi, info, servers, tags, security, paths, components }: OpenAPIObject): OpenAPIObject {
  const { contact: _, ...about } = info;
  return { openapi, info: about, servers, tags, security, paths, components };
}

/** Puts a `$ref` wherever a whole component stands, and takes our own marks out. */
function withReferences(node: Json): Json {
  if (Array.isArray(node)) return node.map(child => withReferences(child));
  if (typeof node !== 'object' || node === null) return node;
  const object = node as Record<string, Json>;
  const id = object[COMPONENT_MARK];
  if (typeof id === 'string') return { $ref: `#/components/schemas/${id}` };
  return Object.fromEntries(
    Object.entries(object)
      .filter(([key]) => key !== 'openapi' || typeof object[key] === 'string')
      .map(([key, child]) => [key, withReferences(child)]),
  );
}

/** Schemas of whole queries are published as parameters; nothing refers to them any more. */
function dropUnusedSchemas(document: OpenAPIObject): void {
  const schemas = document.components?.schemas ?? {};
  for (let found = true; found;) {
    const text = JSON.stringify(document);
    const unused = Object.keys(schemas).filter(id => !text.includes(`"#/components/schemas/${id}"`));
    for (const id of unused) delete schemas[id];
    found = unused.length > 0;
  }
}

function refuseRepeatedIds(document: OpenAPIObject): void {
  const seen = new Set<string>();
  for (const { operationId } of Object.values(document.paths).flatMap(
    item => Object.values(item) as { operationId?: string }[],
  )) {
    if (operationId === undefined) continue;
    if (seen.has(operationId)) throw new Error(`Two operations have the id ${operationId}.`);
    seen.add(operationId);
  }
}
