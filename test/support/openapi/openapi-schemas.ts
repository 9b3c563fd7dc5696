/** Any object of a document. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A schema of a document, as far as tests look at it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly contentSchema?: Schema;
  readonly discriminator?: { readonly propertyName: string; readonly mapping?: Readonly<Record<string, string>> };
}

export interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly $ref?: string; readonly value?: unknown }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly style?: string;
  readonly explode?: boolean;
  readonly example?: unknown;
  readonly schema: Schema;
}

export interface ResponsePart {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, Media>>;
}

export interface OperationPart {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, ResponsePart>>;
}

/** A document as tests read it. */
export interface ApiDocument {
  readonly openapi: string;
  readonly info: JsonObject;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationPart>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly headers: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;
    readonly examples: Readonly<Record<string, { readonly value: unknown }>>;
  };
}

/** An operation at its place. */
export interface PlacedOperation extends OperationPart {
  readonly path: string;
  readonly method: string;
}

export const operationsOf = ({ paths }: ApiDocument): PlacedOperation[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, path, method })),
  );

/** A schema, and where it stands. */
export interface PlacedSchema {
  readonly at: string;
  readonly schema: Schema;
  /** Whether it is, or is part of, a component, the schema of a parameter or a header, or what a body or answer holds. */
  readonly in: 'component' | 'parameter' | 'header' | 'content';
  /** Whether it is the whole of that, and no part. */
  readonly isWhole: boolean;
}

/** Every schema of a document with all that are in it. */
export function everySchema(document: ApiDocument): PlacedSchema[] {
  const { schemas, headers } = document.components;
  return [
    ...Object.entries(schemas).map(([name, schema]) => whole(name, schema, 'component')),
    ...Object.entries(headers).map(([name, { schema }]) => whole(`header ${name}`, schema, 'header')),
    ...operationsOf(document).flatMap(({ operationId, parameters = [], requestBody, responses }) => [
      ...parameters.map(({ name, schema }) => whole(`${operationId}?${name}`, schema, 'parameter')),
      ...media(`${operationId} body`, requestBody?.content),
      ...Object.entries(responses).flatMap(([status, { content }]) => media(`${operationId} ${status}`, content)),
    ]),
  ].flatMap(withInner);
}

const media = (at: string, content: Readonly<Record<string, Media>> = {}): PlacedSchema[] =>
  Object.entries(content).map(([type, { schema }]) => whole(`${at} ${type}`, schema ?? {}, 'content'));

const whole = (at: string, schema: Schema, place: PlacedSchema['in']): PlacedSchema => ({
  at,
  schema,
  in: place,
  isWhole: true,
});

function withInner(placed: PlacedSchema): PlacedSchema[] {
  const { schema, at } = placed;
  const inner = (name: string, child: unknown): PlacedSchema[] =>
    typeof child === 'object' && child !== null
      ? withInner({ ...placed, at: `${at}.${name}`, schema: child, isWhole: false })
      : [];
  return [
    placed,
    ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) => inner(name, child)),
    ...(['items', 'additionalProperties', 'propertyNames', 'contentSchema'] as const).flatMap(key =>
      inner(key, schema[key]),
    ),
    ...(['oneOf', 'anyOf', 'allOf'] as const).flatMap(key =>
      (schema[key] ?? []).flatMap((child, n) => inner(`${key}[${n}]`, child)),
    ),
  ];
}

/** The name of the component that a reference means. */
export const nameOf = ($ref: string): string => $ref.slice($ref.lastIndexOf('/') + 1);

/** The schema itself where a reference stands. */
export function resolved(document: ApiDocument, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const found = document.components.schemas[nameOf(schema.$ref)];
  if (!found) throw new Error(`Nothing is at ${schema.$ref}.`);
  return found;
}
