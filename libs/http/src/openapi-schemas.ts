import { z } from 'zod';

/** Marks a schema that is a component of this name; replaced by a `$ref` where it is not expanded into parameters. */
export const COMPONENT_MARK = 'x-component';

type JsonObject = Record<string, unknown>;

interface Converted {
  schema: JsonObject;
  components: Record<string, JsonObject>;
}

/**
 * Turns zod schemas into JSON Schema 2020-12, which OpenAPI 3.1 uses, with a component for every schema that has an id.
 * One converter serves one document: it remembers what each id stands for.
 */
export function schemaConverter(): (schema: unknown, options: { schemaType: 'input' | 'output' }) => Converted {
  const known = new Map<string, string>();
  return (schema, { schemaType }) => {
    const {
      $schema: _,
      $defs = {},
      $ref,
      ...inline
    } = z.toJSONSchema(schema as z.ZodType, {
      target: 'draft-2020-12',
      io: schemaType,
      unrepresentable: 'any',
      override: ({ jsonSchema }) => {
        publishAsWritten(jsonSchema);
        letUnionsOverlap(jsonSchema);
      },
    }) as JsonObject & { $defs?: Record<string, JsonObject> };
    for (const [id, definition] of Object.entries($defs)) rememberComponent(known, id, definition);
    const id = typeof $ref === 'string' ? $ref.replace('#/$defs/', '') : undefined;
    // What the root is goes out whole, since Nest finds query parameters in its properties alone.
    return {
      schema: id === undefined ? inline : { ...$defs[id], ...inline, [COMPONENT_MARK]: id },
      components: $defs,
    };
  };
}

/** See `publishedAs` of the query schemas. */
function publishAsWritten(jsonSchema: JsonObject): void {
  const { openapi } = jsonSchema;
  if (typeof openapi !== 'object' || openapi === null) return;
  const { description, example, examples, default: fallback } = jsonSchema;
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  Object.assign(jsonSchema, openapi, { openapi });
  for (const [key, value] of Object.entries({ description, example, examples, default: fallback })) {
    if (value !== undefined) jsonSchema[key] = value;
  }
}

/** A union whose discriminator has a default is not exclusive: without the key more than one member fits. */
function letUnionsOverlap(jsonSchema: JsonObject): void {
  const { oneOf } = jsonSchema;
  if (oneOf === undefined) return;
  delete jsonSchema['oneOf'];
  jsonSchema['anyOf'] = oneOf;
}

function rememberComponent(known: Map<string, string>, id: string, definition: JsonObject): void {
  const json = JSON.stringify(definition);
  if ((known.get(id) ?? json) !== json) {
    throw new Error(
      `The schema ${id} looks different in requests and responses (by defaults, or strict and loose objects). Give the two sides different ids.`,
    );
  }
  known.set(id, json);
}
