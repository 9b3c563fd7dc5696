import { CURSOR } from '@coordination/kernel';
import { z } from 'zod';
import { COMMA_LIST_MARK, COMPONENT_MARK } from './schema-marks.js';

/**
 * Metadata of a schema that replaces the JSON Schema that zod derives: of a text parameter that would be a pattern or a
 * union, which is less useful for people and generators.
 */
const publishedAs = (openapi: Record<string, unknown>) => ({ openapi });

/** The JSON Schema of a value, marked if it is a component. */
const jsonSchemaOf = (schema: z.ZodType): Record<string, unknown> => {
  const { $schema: _, $ref, $defs, ...inline } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const id = $ref?.replace('#/$defs/', '');
  return id === undefined ? inline : { ...$defs?.[id], [COMPONENT_MARK]: id };
};

/** The most values of a list; all parameters of a request together must fit into its head. */
const MAX_VALUES = 20;

/** A value that is no text is left for `item` to refuse: these schemas are also used for bodies. */
const splitText = (value: unknown): unknown[] => (typeof value === 'string' ? value.split(',') : [value]);

const asList = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat());

/** A repeatable query parameter: absent is an empty list, one value a list of one. */
export const queryList = <T extends z.ZodType>(item: T, max = MAX_VALUES) =>
  z
    .preprocess(asList, z.array(item).max(max))
    .optional()
    .transform(values => values ?? [])
    .meta(publishedAs({ type: 'array', items: jsonSchemaOf(item), maxItems: max }));

/** A comma-separated query parameter, which may also be repeated; each part is checked by `item`. Absent is `undefined`. */
export const queryCommaList = <T extends z.ZodType>(item: T, max = MAX_VALUES) =>
  z
    .preprocess(
      value => (value === undefined ? undefined : asList(value).flatMap(splitText)),
      z.array(item).min(1).max(max).optional(),
    )
    .optional()
    .meta(
      publishedAs({ type: 'array', items: jsonSchemaOf(item), minItems: 1, maxItems: max, [COMMA_LIST_MARK]: true }),
    );

/** `nextCursor` of the page before. An invalid cursor has its own error code, and is no invalid field. */
export const queryCursor = (maxLength: number) =>
  z.string().max(maxLength).meta({ minLength: 1, pattern: CURSOR.source }).optional();

const WHOLE_NUMBER = /^\d{1,16}$/;

/** A whole number in a query or path, within bounds. */
export const queryInteger = (min: number, max: number) =>
  z
    .string()
    .regex(WHOLE_NUMBER, { error: 'must be a whole number', abort: true })
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .meta(publishedAs({ type: 'integer', minimum: min, maximum: max }));

/** A revision or version in a query or path: a whole number from 1 to 2^53 - 1. */
export const revisionNumber = () => queryInteger(1, Number.MAX_SAFE_INTEGER);
