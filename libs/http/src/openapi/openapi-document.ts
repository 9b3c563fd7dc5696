import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { RESPONSE_HEADERS } from '../headers/documented-headers.js';
import { problemExamples } from '../problems/problem-examples.js';
import { problemView } from '../problems/problem.js';
import { COMPONENT_MARK } from '../requests/schema-marks.js';
import { finishExamples } from './openapi-examples.js';
import { schemaConverter } from './openapi-schemas.js';
import { spellLists, spellSchemas } from './openapi-spelling.js';

/** The description of the service as a whole. */
export interface ApiDescription {
  readonly title: string;
  readonly version: string;
  /** Markdown. */
  readonly description: string;
  readonly license: { readonly name: string; readonly url: string };
  /** Who is responsible for the service. */
  readonly contact: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

type Json = unknown;

/** The OpenAPI 3.1 document of an application, from its controllers alone: it does not have to run. */
export function buildOpenApiDocument(app: INestApplication, api: ApiDescription): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(api.title)
    .setVersion(api.version)
    .setDescription(api.description)
    .setLicense(api.license.name, api.license.url)
    .setContact(api.contact, '', '')
    .addServer('/', 'Where this document comes from');
  for (const { name, description } of api.tags) builder.addTag(name, description);
  const convert = schemaConverter();
  const document = SwaggerModule.createDocument(
    app,
    { ...builder.build(), security: [] },
    {
      standardSchemaConverter: convert,
      // A route without a summary and an id is not part of the API.
      onlyIncludeDecoratedEndpoints: true,
    },
  );
  const schemas = { ...document.components?.schemas, ...convert(problemView, { schemaType: 'output' }).components };
  document.components = { schemas, headers: { ...RESPONSE_HEADERS }, examples: problemExamples() };
  for (const item of Object.values(document.paths)) finishExamples(item);
  const finished = withReferences(document, schemas) as OpenAPIObject;
  spellLists(finished);
  spellSchemas(finished);
  dropUnused(finished);
  refuseRepeatedIds(finished);
  return inReadingOrder(finished);
}

function inReadingOrder({ openapi, info, servers, tags, security, paths, components }: OpenAPIObject): OpenAPIObject {
  // Nest adds members of the contact that have no text.
  const about = { ...info, contact: { name: info.contact?.name ?? '' } };
  const inOrder = Object.entries(paths).map(([path, item]) => [path, byMethod(item)] as const);
  return { openapi, info: about, servers, tags, security, paths: Object.fromEntries(inOrder), components };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The operations of a path in the usual order, in which their examples work, too. */
const byMethod = <T extends object>(item: T): T =>
  Object.fromEntries(Object.entries(item).sort(([a], [b]) => METHODS.indexOf(a) - METHODS.indexOf(b))) as T;

/** Replaces inlined components by a `$ref` to the schemas, and removes the marks of this library. */
function withReferences(node: Json, schemas: Record<string, unknown>): Json {
  if (Array.isArray(node)) return node.map(child => withReferences(child, schemas));
  if (typeof node !== 'object' || node === null) return node;
  const { [COMPONENT_MARK]: id, ...object } = node as Record<string, Json>;
  if (typeof id === 'string') {
    schemas[id] ??= object;
    return { $ref: `#/components/schemas/${id}` };
  }
  return Object.fromEntries(
    Object.entries(object)
      .filter(([key]) => key !== 'openapi' || typeof object[key] === 'string')
      .map(([key, child]) => [key, key === '$ref' ? toComponent(child) : withReferences(child, schemas)]),
  );
}

/** Definitions of zod are components of the document. */
const toComponent = (ref: Json): Json =>
  typeof ref === 'string' ? ref.replace(/^#\/\$defs\//, '#/components/schemas/') : ref;

/** Removes components without a reference: schemas of whole queries (they are parameters), problems that cannot occur. */
function dropUnused(document: OpenAPIObject): void {
  const sections = Object.entries(document.components ?? {}) as [string, Record<string, Json>][];
  for (let found = true; found;) {
    const text = JSON.stringify(document);
    found = false;
    for (const [section, members] of sections) {
      for (const name of Object.keys(members)) {
        if (text.includes(`"#/components/${section}/${name}"`)) continue;
        delete members[name];
        found = true;
      }
    }
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
