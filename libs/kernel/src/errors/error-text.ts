/** The text of an error of any kind: its message, or the thrown value as text. It may hold secrets: see `failureText`. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : textOf(error));

/** Any value may be thrown, also one that cannot be converted to text. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'an error without a message';
  }
}
