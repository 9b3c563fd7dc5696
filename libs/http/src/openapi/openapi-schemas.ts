import { z } from 'zod';
import { COMPONENT_MARK } from '../requests/schema-marks.js';
import { type JsonObject } from './openapi-walk.js';

/** Holds the schema of the content of a text, until that is a component. */
const CONTENT_MARK = 'x-content';

/**
 * A response that is a text of parts, such as events or lines, each of which matches the schema once it is parsed. Generated
 * clients return the text as it is, and have the type of its parts.
 * @param part must have an id
 */
export const textOf = (part: z.ZodType, mediaType: string): z.ZodString =>
  z.string().meta({ contentMediaType: mediaType, [CONTENT_MARK]: part });

interface Converted {
  schema: JsonObject;
  components: Record<string, JsonObject>;
}

/**
 * Converts zod schemas to JSON Schema 2020-12, which OpenAPI 3.1 uses, with a component for every schema that has an id. A
 * converter is for one document, because it keeps the schema of each id.
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
    // The root is inlined, because Nest finds query parameters only in its properties.
    return {
      schema: id === undefined ? inline : { ...$defs[id], ...inline, [COMPONENT_MARK]: id },
      components: { ...parts, ...$defs },
    };
  };
}

/** Replaces a schema by the one that `publishedAs` (query schemas) attached to it. */
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
