import { CURSOR } from '@coordination/kernel';
import { z } from 'zod';
import { COMPONENT_MARK } from '../openapi/openapi-schemas.js';
import { COMMA_LIST_MARK } from '../openapi/openapi-spelling.js';

/**
 * Metadata of a schema whose JSON Schema is to be published as written here, because what zod derives from a text
 * parameter (a pattern, a union) says less to people and generators than what is meant.
 */
const publishedAs = (openapi: Record<string, unknown>) => ({ openapi });

/** The schema of a value, marked if it is a component. */
const jsonSchemaOf = (schema: z.ZodType): Record<string, unknown> => {
  const { $schema: _, $ref, $defs, ...inline } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const id = $ref?.replace('#/$defs/', '');
  return id === undefined ? inline : { ...$defs?.[id], [COMPONENT_MARK]: id };
};

/** The most values of a list; what all parameters of a request may hold together must fit into its head. */
const MAX_VALUES = 20;

/** What is no text is left for `item` to refuse: these schemas are used for bodies too. */
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

/** `nextCursor` of the page before. One that is none is told by its own code, not as a bad field. */
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
