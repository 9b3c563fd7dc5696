import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@coordination/kernel';

/**
 * Whether `have` contains `want` by the rules of PostgreSQL's `jsonb @>` (PostgreSQL documentation, 8.14.3): objects by
 * their keys, arrays by their elements without regard to order or number, scalars by equality. The one exception there (an
 * array contains a bare scalar) applies at the top level only, which is always an object here.
 */
export function containsJson(have: JsonValue | undefined, want: JsonValue): boolean {
  if (isJsonArray(want)) return have !== undefined && isJsonArray(have) && want.every(item => hasElement(have, item));
  if (isJsonObject(want)) {
    return have !== undefined && isJsonObject(have) && Object.keys(want).every(key => hasMember(have, key, want[key]!));
  }
  return have === want;
}

const hasElement = (have: readonly JsonValue[], want: JsonValue): boolean =>
  have.some(item => containsJson(item, want));

const hasMember = (have: JsonObject, key: string, want: JsonValue): boolean =>
  Object.hasOwn(have, key) && containsJson(have[key], want);
