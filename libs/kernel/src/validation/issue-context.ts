import { z } from 'zod';

/** What an issue of zod lacks for saying what would be right. */
export interface IssueContext {
  /** The names that the object knows, with `unrecognized_keys`. */
  readonly known?: readonly string[];
  /** The text that was given, with `invalid_value`. */
  readonly given?: string;
}

/**
 * Has zod give its issues their context. It tells names and input to error maps alone, which may add to the issue; the
 * message is left to the others. The map holds for all schemas of the process.
 */
export function giveContext(): void {
  z.config({
    customError: issue => {
      if (issue.code === 'unrecognized_keys') {
        const definition = issue.inst?._zod.def as { readonly shape?: object } | undefined;
        if (definition?.shape) issue['known'] = Object.keys(definition.shape);
      } else if (issue.code === 'invalid_value' && typeof issue.input === 'string') {
        issue['given'] = issue.input;
      }
      return undefined;
    },
  });
}
