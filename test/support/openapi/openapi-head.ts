import { type ApiDocument, type Parameter, type PlacedOperation, resolved, type Schema } from './openapi-schemas.js';

/** What else a request has: its method, the protocol, and headers such as Host, User-Agent, Accept, traceparent, Cookie-less. */
const USUAL_HEAD = 1_024;

/** An X-Request-Id may go with every request. */
const REQUEST_ID_LENGTH = 'x-request-id: \r\n'.length + 128;

const UUID_LENGTH = 36;
const TIME_LENGTH = 35;

/**
 * The bytes of the request line and the headers of a request with every parameter and header at its longest, in characters
 * that need no escaping.
 */
export const longestHeadOf = (document: ApiDocument, { path, parameters = [] }: PlacedOperation): number =>
  parameters.reduce(
    (length, parameter) => length + lengthIn(document, parameter),
    USUAL_HEAD + REQUEST_ID_LENGTH + path.length,
  );

function lengthIn(document: ApiDocument, { name, in: place, explode, schema }: Parameter): number {
  const { type, items = {}, maxItems = 0 } = resolved(document, schema);
  if (place === 'path') return lengthOf(document, schema);
  if (place === 'header') return `${name}: \r\n`.length + lengthOf(document, schema);
  const named = `&${name}=`.length;
  if (type !== 'array') return named + lengthOf(document, schema);
  const each = lengthOf(document, items);
  return explode === false ? named + maxItems * (each + 1) : maxItems * (named + each);
}

function lengthOf(document: ApiDocument, schema: Schema): number {
  const { type, format, enum: values, maxLength, maximum } = resolved(document, schema);
  if (type === 'boolean') return 'false'.length;
  if (type === 'integer' || type === 'number') return String(maximum).length;
  if (values) return Math.max(...values.map(value => String(value).length));
  if (maxLength !== undefined) return maxLength;
  if (format === 'uuid') return UUID_LENGTH;
  if (format === 'date-time') return TIME_LENGTH;
  return Infinity;
}
