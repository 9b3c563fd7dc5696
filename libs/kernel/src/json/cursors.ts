import { InvalidCursorError } from '../errors/errors.js';

/** Anything that can check an unknown value; a zod schema fits. */
interface Checker<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false };
}

/** An opaque cursor: JSON in base64url. It is not secret, and is validated when a caller sends it back. */
export const encodeCursor = (position: unknown): string => Buffer.from(JSON.stringify(position)).toString('base64url');

/** What a cursor looks like. */
export const CURSOR = /^[A-Za-z0-9_-]+$/;

/**
 * What {@link encodeCursor} put in.
 * @throws InvalidCursorError when the text is no cursor, or not one that the schema takes.
 */
export function decodeCursor<T>(cursor: string, schema: Checker<T>): T {
  const result = schema.safeParse(parse(cursor));
  if (!result.success) throw new InvalidCursorError();
  return result.data;
}

function parse(cursor: string): unknown {
  const bytes = Buffer.from(cursor, 'base64url');
  // Decoding ignores characters that are not base64url, so an altered cursor could pass for the original one.
  if (bytes.toString('base64url') !== cursor) throw new InvalidCursorError();
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new InvalidCursorError();
  }
}
