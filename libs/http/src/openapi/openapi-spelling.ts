import { isObject, type JsonObject, mapSchemas, operationsOf, type SchemaPlace } from './openapi-walk.js';

/** Marks the list of a parameter whose values are separated by commas. */
export const COMMA_LIST_MARK = 'x-comma-list';

const MAX_INT32 = 2 ** 31 - 1;

/** What a schema may say of a text besides its format, and generators put on the type that they make of the format. */
const FORMATS_THAT_SAY_ALL: ReadonlySet<unknown> = new Set(['uuid', 'date-time']);

/**
 * Spells every schema of a document as the generators of clients understand it. What zod says is right but more than they
 * take: defaults make oapi-codegen and openapi-python-client stop where the value is an object, and openapi-typescript take
 * the field for required; an integer without a format is 32 bits wide in Java and Go; a union without a discriminator has
 * no type; a boolean with an enum has neither.
 */
export function spellSchemas(document: object): void {
  mapSchemas(document, spell);
  mapSchemas(document, schema => discriminate(schema, componentsOf(document)));
}

/** Says of lists how their values are written: between commas, or each with the name; OpenAPI says it beside the schema. */
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

/** What stands beside a reference but words is what it refers to, once more. */
function spellReference(schema: JsonObject): JsonObject {
  const { $ref, description, default: fallback } = schema;
  if ($ref === undefined) return schema;
  return {
    $ref,
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
  };
}

/** One value is an enum of one, which every generator knows; of a boolean there is nothing to name. */
function spellConstant({ const: constant, ...schema }: JsonObject): JsonObject {
  const spelt = constant === undefined ? schema : { ...schema, enum: [constant] };
  if (spelt['type'] !== 'boolean') return spelt;
  const { enum: _, ...boolean } = spelt as JsonObject & { enum?: unknown };
  return boolean;
}

/** Integers are as wide as their greatest value needs, 64 bits where none is known; bounds that only say "exact" are left out. */
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
  if (!FORMATS_THAT_SAY_ALL.has(schema['format'])) return schema;
  const { pattern: _, ...rest } = schema;
  return rest;
}

/** What may grow is not closed, and that is what JSON Schema means by saying nothing; a map has values of any kind. */
function spellObject(schema: JsonObject): JsonObject {
  if (schema['type'] !== 'object') return schema;
  const { propertyNames, additionalProperties, ...rest } = schema;
  const isAny = isObject(additionalProperties) && Object.keys(additionalProperties).length === 0;
  const closes = isAny ? (rest['properties'] === undefined ? true : undefined) : additionalProperties;
  return {
    ...rest,
    ...(propertyNames !== undefined && !saysOnlyText(propertyNames) && { propertyNames }),
    ...(closes !== undefined && { additionalProperties: closes }),
  };
}

const saysOnlyText = (schema: unknown): boolean =>
  isObject(schema) && schema['type'] === 'string' && Object.keys(schema).length === 1;

const isNull = (schema: unknown): boolean => isObject(schema) && schema['type'] === 'null';

/** A value of one kind or null is `type: [kind, 'null']`; only what has a name of its own needs a union for it. */
function spellNull(schema: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf) || anyOf.length !== 2 || !anyOf.some(isNull)) return schema;
  const other = anyOf.find(member => !isNull(member)) as JsonObject;
  if (typeof other['type'] !== 'string' || other['enum'] !== undefined) return schema;
  return { ...other, ...rest, type: [other['type'], 'null'] };
}

/** The default of a parameter stays; in a body it is told in words, since the field is optional with it and without. */
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
 * A union of components that each name another value of one property they need is exclusive, and that property tells which
 * one it is. Other unions stay: their members are of different kinds (a text or an object).
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
    const isTold = targets.every(({ schema }) => valuesOf(schema, propertyName).length > 0);
    if (isTold && new Set(mapping.map(([value]) => value)).size === mapping.length) {
      return { propertyName, mapping: Object.fromEntries(mapping) };
    }
  }
  return undefined;
}

const nameOf = ($ref: unknown): string => (typeof $ref === 'string' ? $ref.slice($ref.lastIndexOf('/') + 1) : '');

/** The values that a component lets a property have, if it needs the property and names its values. */
function valuesOf(schema: JsonObject | undefined, property: string): string[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, { enum?: string[] }>;
    required?: string[];
  };
  return required.includes(property) ? (properties[property]?.enum ?? []) : [];
}
