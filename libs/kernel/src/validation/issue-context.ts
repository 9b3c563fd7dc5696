import { z } from 'zod';

/** What the issues of zod lack for a message that names the right values. */
export interface IssueContext {
  /** The keys of the object, with `unrecognized_keys`. */
  readonly known?: readonly string[];
  /** The text that was given, with `invalid_value`. */
  readonly given?: string;
}

/**
 * Makes zod add the context to its issues. Only error maps get the schema and the input, and they may add to the issue; the
 * message is left to the other maps. The map applies to all schemas of the process.
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
