import { z } from 'zod';
import { type JsonObject } from './openapi-walk.js';

/** Marks a schema that is a component of this name; replaced by a `$ref` where it is not expanded into parameters. */
export const COMPONENT_MARK = 'x-component';

/** Where a text keeps the schema of what it says, until it is a component. */
const CONTENT_MARK = 'x-content';

/**
 * An answer that is a text of parts, such as events or lines, each of which is what the schema says once it is read.
 * Generated clients take the text as it is, and have the type of its parts.
 * @param part has an id
 */
export const textOf = (part: z.ZodType, mediaType: string): z.ZodString =>
  z.string().meta({ contentMediaType: mediaType, [CONTENT_MARK]: part });

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
  return function convert(schema, { schemaType }) {
    const parts: Record<string, JsonObject> = {};
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
        const { [CONTENT_MARK]: part } = jsonSchema;
        if (part === undefined) return;
        delete jsonSchema[CONTENT_MARK];
        const { schema: content, components } = convert(part, { schemaType });
        Object.assign(parts, components);
        jsonSchema.contentSchema = content;
      },
    }) as JsonObject & { $defs?: Record<string, JsonObject> };
    for (const [id, definition] of Object.entries($defs)) rememberComponent(known, id, definition);
    const id = typeof $ref === 'string' ? $ref.replace('#/$defs/', '') : undefined;
    // What the root is goes out whole, since Nest finds query parameters in its properties alone.
    return {
      schema: id === undefined ? inline : { ...$defs[id], ...inline, [COMPONENT_MARK]: id },
      components: { ...parts, ...$defs },
    };
  };
}

/** See `publishedAs` of the query schemas. */
function publishAsWritten(jsonSchema: JsonObject): void {
  const { openapi } = jsonSchema;
  if (typeof openapi !== 'object' || openapi === null) return;
  const { description, example, examples, default: fallback } = jsonSchema;
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  for (const [key, value] of Object.entries({ description, example, examples, default: fallback })) {
    if (value !== undefined) jsonSchema[key] = value;
  }
  Object.assign(jsonSchema, openapi, { openapi });
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
