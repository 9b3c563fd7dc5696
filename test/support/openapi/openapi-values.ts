import * as fc from 'fast-check';
import { type ApiDocument, resolved, type Schema } from './openapi-schemas.js';

/** How far outside a bound values are tried. */
const BEYOND = 3;
/** A text that is tried only at its longest may be long; others are short. */
const SHORT = 40;

const UUID = fc.uuid();
const TIME = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map(time => time.toISOString());

/** Values that a schema allows, or nothing where its parts are not tried one by one. */
export function allowedBy(document: ApiDocument, schema: Schema): fc.Arbitrary<unknown> | undefined {
  const { type, enum: values, format, items, minItems = 0, maxItems = 5, ...bounds } = resolved(document, schema);
  const [kind] = [type].flat();
  if (values) return fc.constantFrom(...values);
  switch (kind) {
    case 'boolean':
      return fc.boolean();
    case 'integer': {
      const { minimum: min = 0, maximum: max = Number.MAX_SAFE_INTEGER } = bounds;
      return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
    }
    case 'string':
      return format === 'uuid' ? UUID : format === 'date-time' ? TIME : textOf(bounds);
    case 'array': {
      const item = allowedBy(document, items ?? {});
      return item && fc.array(item, { minLength: minItems, maxLength: Math.min(maxItems, minItems + 2) });
    }
    default:
      return undefined;
  }
}

function textOf({ pattern, minLength = 0, maxLength = SHORT }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) {
    return fc.stringMatching(new RegExp(pattern)).filter(({ length }) => length >= minLength && length <= maxLength);
  }
  const letters = fc.string({
    unit: fc.constantFrom('a', 'Z', '0', ' ', '.', '-', '_'),
    minLength,
    maxLength: Math.min(maxLength, SHORT),
  });
  return fc.oneof(letters, fc.constant('a'.repeat(maxLength)));
}

/** Values that a schema refuses, in a body, where they keep their type, or as texts of a parameter. */
export function refusedBy(document: ApiDocument, schema: Schema, inBody: boolean): fc.Arbitrary<unknown> | undefined {
  const whole = resolved(document, schema);
  const { type, enum: values, format, items, minItems = 0, maxItems } = whole;
  const [kind] = [type].flat();
  const others = inBody ? [fc.constantFrom<unknown>([{}], kind === 'string' ? 1 : 'x')] : [];
  if (values) return fc.oneof(fc.constantFrom('nonsense', `${String(values[0])}x`), ...others);
  switch (kind) {
    case 'boolean':
      return fc.constantFrom(inBody ? 'true' : 'yes', inBody ? 1 : 'TRUE');
    case 'integer':
      return fc.oneof(integersBeyond(whole), fc.constantFrom('x', inBody ? '1' : '1e1', 1.5), ...others);
    case 'string':
      if (format !== undefined) return fc.oneof(fc.constantFrom('nonsense', '2026-13-01', '0193b3c8'), ...others);
      return textsBeyond(whole, others);
    case 'array': {
      const refused = refusedBy(document, items ?? {}, inBody)?.map(one => [one]);
      const many = allowedBy(document, items ?? {});
      const tooMany =
        many && maxItems !== undefined ? [fc.array(many, { minLength: maxItems + 1, maxLength: maxItems + 1 })] : [];
      const tooFew = inBody && minItems > 0 ? [fc.constant([])] : [];
      const parts = [...(refused ? [refused] : []), ...tooMany, ...tooFew];
      return parts.length > 0 ? fc.oneof(...parts) : undefined;
    }
    default:
      return undefined;
  }
}

function integersBeyond({ minimum, maximum }: Schema): fc.Arbitrary<number> {
  const below = minimum === undefined ? [] : [fc.integer({ min: minimum - BEYOND, max: minimum - 1 })];
  // Beyond 2^53 there are not all integers.
  const above =
    maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
      ? []
      : [fc.integer({ min: maximum + 1, max: maximum + BEYOND })];
  return fc.oneof(...below, ...above);
}

/** Texts of all kinds, of which every pattern refuses some; and such as a client could send in a header. */
const WRONG_TEXTS = [
  '-',
  'a b',
  '"1',
  'W/7',
  '*x',
  '-a',
  'a-',
  'ü',
  '%',
  '\u0001',
  '{}',
  '..a',
  'A/',
  '1,2',
  '"1" "2"',
  '#',
  'a:b',
  ...fc.sample(fc.string({ minLength: 1, maxLength: SHORT }), { numRuns: 50, seed: 1 }),
].filter(text => text.trim() === text);

function textsBeyond({ pattern, minLength = 0, maxLength }: Schema, others: fc.Arbitrary<unknown>[]) {
  const parts: fc.Arbitrary<unknown>[] = [...others];
  if (maxLength !== undefined) parts.push(fc.constant('a'.repeat(maxLength + 1)));
  if (minLength > 0) parts.push(fc.constant(''));
  if (pattern !== undefined) {
    const wrong = WRONG_TEXTS.filter(text => !new RegExp(pattern).test(text));
    if (wrong.length > 0) parts.push(fc.constantFrom(...wrong));
  }
  return parts.length > 0 ? fc.oneof(...parts) : undefined;
}
