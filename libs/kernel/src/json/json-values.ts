/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Whether a value is an object with properties: neither null nor an array. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** {@link isObject} for values that are known to be JSON. */
export const isJsonObject = (value: JsonValue | undefined): value is JsonObject => isObject(value);

/** `Array.isArray` for values that are known to be JSON; it does not narrow readonly arrays. */
export const isJsonArray = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

/** Whether a value has members: an object or an array. */
export const isContainer = (value: unknown): value is readonly unknown[] | Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
