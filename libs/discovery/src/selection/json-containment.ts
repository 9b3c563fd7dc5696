import { type JsonObject, type JsonValue } from '@coordination/catalog';

/**
 * Whether `have` contains `want` as PostgreSQL's `jsonb @>` has it (PostgreSQL documentation, 8.14.3): objects by their
 * keys, arrays by their elements without regard to order or number, scalars by equality. The one exception there (an
 * array contains a bare scalar) holds at the top only, and is not here, because the top is always an object.
 */
export function containsJson(have: JsonValue | undefined, want: JsonValue): boolean {
  if (isArray(want)) return have !== undefined && isArray(have) && want.every(item => hasElement(have, item));
  if (isObject(want)) {
    return have !== undefined && isObject(have) && Object.keys(want).every(key => hasMember(have, key, want[key]!));
  }
  return have === want;
}

const hasElement = (have: readonly JsonValue[], want: JsonValue): boolean =>
  have.some(item => containsJson(item, want));

const hasMember = (have: JsonObject, key: string, want: JsonValue): boolean =>
  Object.hasOwn(have, key) && containsJson(have[key], want);

const isArray = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
