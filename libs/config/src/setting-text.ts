const QUOTED = /^(["'`]).*\1$/s;

/**
 * The text of a setting. Spaces and line ends around it are ignored: files of variables and mounted secrets have them. A text
 * in quotation marks is refused, because it is ambiguous: a shell or a `.env` file removes them, `docker run --env-file` does
 * not.
 * @returns the text, or `null` if the setting is not set; or what is wrong with it
 */
export function settingText(
  value: string | undefined,
  fallback: string | null,
): { readonly text: string | null; readonly complaint?: string } {
  const text = value?.trim();
  if (text === undefined || text === '') return { text: fallback };
  if (!QUOTED.test(text)) return { text };
  return { text: null, complaint: 'is in quotation marks, and they count as part of the value: remove them' };
}
