import { isObject } from '@coordination/kernel';

/** A schema of the document, or any other object of it. */
export type JsonObject = Record<string, unknown>;

/** Keywords whose value is one schema, a list of schemas, or schemas by name. */
const ONE = ['items', 'additionalProperties', 'contentSchema', 'not', 'propertyNames'] as const;
const MANY = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const;
const NAMED = ['properties', 'patternProperties'] as const;

/** The place of a schema, which determines the keywords that it may have. */
export type SchemaPlace = 'component' | 'parameter' | 'content' | 'header' | 'inner';

type Change = (schema: JsonObject, place: SchemaPlace) => JsonObject;

/** Replaces every schema of a document, the inner ones first. Examples and everything else stay as they are. */
export function mapSchemas(document: object, change: Change): void {
  const { components = {}, paths = {} } = document as { components?: JsonObject; paths?: JsonObject };
  const { schemas = {}, headers = {} } = components as { schemas?: JsonObject; headers?: JsonObject };
  for (const [name, schema] of Object.entries(schemas)) schemas[name] = mapSchema(schema, change, 'component');
  for (const header of Object.values(headers)) replaceIn(header, change, 'header');
  for (const operation of operationsOf(paths)) {
    const { parameters = [], requestBody, responses = {} } = operation;
    for (const parameter of parameters) replaceIn(parameter, change, 'parameter');
    for (const { content = {} } of [requestBody ?? {}, ...Object.values(responses)]) {
      for (const media of Object.values(content)) replaceIn(media, change, 'content');
    }
  }
}

/** The parts of an operation that hold schemas. */
export interface SchemaHolder extends JsonObject {
  readonly operationId?: string;
  readonly parameters?: JsonObject[];
  readonly requestBody?: { readonly content?: Record<string, JsonObject> };
  readonly responses?: Record<string, { readonly content?: Record<string, JsonObject> }>;
}

/** All operations of a document. */
export const operationsOf = (paths: object): SchemaHolder[] =>
  Object.values(paths).flatMap(item => Object.values(item as Record<string, SchemaHolder>).filter(isObject));

function replaceIn(holder: unknown, change: Change, place: SchemaPlace): void {
  if (isObject(holder) && holder['schema'] !== undefined) holder['schema'] = mapSchema(holder['schema'], change, place);
}

function mapSchema(schema: unknown, change: Change, place: SchemaPlace): unknown {
  if (!isObject(schema)) return schema;
  const inner = (value: unknown) => mapSchema(value, change, 'inner');
  const mapped: JsonObject = { ...schema };
  for (const key of ONE) if (key in mapped) mapped[key] = inner(mapped[key]);
  for (const key of MANY) {
    const members = mapped[key];
    if (Array.isArray(members)) mapped[key] = members.map(inner);
  }
  for (const key of NAMED) {
    const members = mapped[key];
    if (isObject(members)) {
      mapped[key] = Object.fromEntries(Object.entries(members).map(([name, value]) => [name, inner(value)]));
    }
  }
  return change(mapped, place);
}
