import { isObject } from '@coordination/kernel';
import { COMMA_LIST_MARK } from '../requests/schema-marks.js';
import { type JsonObject, mapSchemas, operationsOf, type SchemaPlace } from './openapi-walk.js';

const MAX_INT32 = 2 ** 31 - 1;

/** Formats that make a pattern superfluous: generators would put the pattern on the type that they use for the format. */
const SELF_CONTAINED_FORMATS: ReadonlySet<unknown> = new Set(['uuid', 'date-time']);

/**
 * Rewrites every schema of a document for generators of clients, which do not support all that zod produces: defaults make
 * oapi-codegen and openapi-python-client fail if the value is an object, and openapi-typescript treat the field as required;
 * an integer without a format is 32 bits wide in Java and Go; a union without a discriminator has no type, nor has a boolean
 * with an enum.
 */
export function spellSchemas(document: object): void {
  mapSchemas(document, spell);
  mapSchemas(document, schema => discriminate(schema, componentsOf(document)));
}

/** Adds to list parameters how values are separated (by commas, or by repeating the name): beside the schema in OpenAPI. */
export function spellLists({ paths }: { readonly paths: object }): void {
  for (const { parameters = [] } of operationsOf(paths)) {
    for (const parameter of parameters) {
      const { schema } = parameter;
      if (!isObject(schema) || schema['type'] !== 'array') continue;
      Object.assign(parameter, { style: 'form', explode: schema[COMMA_LIST_MARK] !== true });
    }
  }
}

function spell(marked: JsonObject, place: SchemaPlace): JsonObject {
  const { [COMMA_LIST_MARK]: _, ...schema } = marked;
  return [spellReference, spellConstant, spellNumber, spellFormat, spellObject, spellNull, spellDefault].reduce(
    (spelt: JsonObject, step) => step(spelt, place),
    schema,
  );
}

/** Keeps only the texts and the default beside a reference: other keywords repeat the schema that it refers to. */
function spellReference(schema: JsonObject): JsonObject {
  const { $ref, description, default: fallback } = schema;
  if ($ref === undefined) return schema;
  return {
    $ref,
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
  };
}

/** Writes a constant as an enum of one value, which every generator supports; of a boolean only the type remains. */
function spellConstant({ const: constant, ...schema }: JsonObject): JsonObject {
  const spelt = constant === undefined ? schema : { ...schema, enum: [constant] };
  if (spelt['type'] !== 'boolean') return spelt;
  const { enum: _, ...boolean } = spelt as JsonObject & { enum?: unknown };
  return boolean;
}

/** Integers get the width of their greatest value, 64 bits without one; bounds at the safe integers are left out. */
function spellNumber(schema: JsonObject): JsonObject {
  if (schema['type'] === 'number') return { ...schema, format: 'double' };
  if (schema['type'] !== 'integer') return schema;
  const { minimum = -Infinity, maximum = Infinity, ...rest } = schema as { minimum?: number; maximum?: number };
  const isNarrow = minimum >= -MAX_INT32 && maximum <= MAX_INT32;
  return {
    ...rest,
    format: isNarrow ? 'int32' : 'int64',
    ...(minimum > Number.MIN_SAFE_INTEGER && { minimum }),
    ...(maximum < Infinity && { maximum }),
  };
}

function spellFormat(schema: JsonObject): JsonObject {
  if (!SELF_CONTAINED_FORMATS.has(schema['format'])) return schema;
  const { pattern: _, ...rest } = schema;
  return rest;
}

/** Open objects have no `additionalProperties`, which is the default of JSON Schema; maps of any values have `true`. */
function spellObject(schema: JsonObject): JsonObject {
  if (schema['type'] !== 'object') return schema;
  const { propertyNames, additionalProperties, ...rest } = schema;
  const isAny = isObject(additionalProperties) && Object.keys(additionalProperties).length === 0;
  const closes = isAny ? (rest['properties'] === undefined ? true : undefined) : additionalProperties;
  return {
    ...rest,
    ...(propertyNames !== undefined && !isPlainText(propertyNames) && { propertyNames }),
    ...(closes !== undefined && { additionalProperties: closes }),
  };
}

const isPlainText = (schema: unknown): boolean =>
  isObject(schema) && schema['type'] === 'string' && Object.keys(schema).length === 1;

const isNull = (schema: unknown): boolean => isObject(schema) && schema['type'] === 'null';

/** A nullable value is `type: [type, 'null']`; only nullable components and enums need a union. */
function spellNull(schema: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf) || anyOf.length !== 2 || !anyOf.some(isNull)) return schema;
  const other = anyOf.find(member => !isNull(member)) as JsonObject;
  if (typeof other['type'] !== 'string' || other['enum'] !== undefined) return schema;
  return { ...other, ...rest, type: [other['type'], 'null'] };
}

/** Keeps the default of a parameter; in a body it goes into the description, since the field is optional anyway. */
function spellDefault(schema: JsonObject, place: SchemaPlace): JsonObject {
  const { default: fallback, ...rest } = schema;
  if (fallback === undefined || (place === 'parameter' && typeof fallback !== 'object')) return schema;
  if ((schema['enum'] as readonly unknown[] | undefined)?.length === 1) return rest;
  const description = [schema['description'], `Default: \`${JSON.stringify(fallback)}\`.`].filter(Boolean).join(' ');
  return { ...rest, description };
}

const componentsOf = (document: object): JsonObject =>
  (document as { components?: { schemas?: JsonObject } }).components?.schemas ?? {};

/**
 * Adds a discriminator to a union of components that each require another value of the same property. Other unions stay as
 * they are: their members have different types (a text or an object).
 */
function discriminate(schema: JsonObject, components: JsonObject): JsonObject {
  const { oneOf, anyOf, ...rest } = schema;
  const members = (oneOf ?? anyOf) as JsonObject[] | undefined;
  if (!Array.isArray(members) || members.some(isNull)) return schema;
  const found = discriminatorOf(members, components);
  return { ...rest, oneOf: members, ...(found && { discriminator: found }) };
}

function discriminatorOf(members: readonly JsonObject[], components: JsonObject): object | undefined {
  const targets = members.map(({ $ref }) => ({ $ref, schema: components[nameOf($ref)] as JsonObject | undefined }));
  const [first] = targets;
  for (const propertyName of Object.keys((first?.schema?.['properties'] as object | undefined) ?? {})) {
    const mapping = targets.flatMap(({ $ref, schema }) =>
      valuesOf(schema, propertyName).map(value => [value, $ref] as const),
    );
    const isRequired = targets.every(({ schema }) => valuesOf(schema, propertyName).length > 0);
    if (isRequired && new Set(mapping.map(([value]) => value)).size === mapping.length) {
      return { propertyName, mapping: Object.fromEntries(mapping) };
    }
  }
  return undefined;
}

const nameOf = ($ref: unknown): string => (typeof $ref === 'string' ? $ref.slice($ref.lastIndexOf('/') + 1) : '');

/** The values of a property of a component, if the property is required and an enum. */
function valuesOf(schema: JsonObject | undefined, property: string): string[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, { enum?: string[] }>;
    required?: string[];
  };
  return required.includes(property) ? (properties[property]?.enum ?? []) : [];
}
