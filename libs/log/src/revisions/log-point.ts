import { z } from 'zod';
import { RFC3339_TIME } from './rfc3339-time.js';

/** A point in the history of the catalog: a revision, or a time (RFC 3339 in UTC with milliseconds). */
export type LogPoint = { readonly revision: number } | { readonly time: string };

const WHOLE_NUMBER = /^\d+$/;

/** Pattern for the OpenAPI document. */
const LOG_POINT_PATTERN =
  '^([0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))$';
const MAX_LENGTH = 64;
const FORMAT_MESSAGE =
  'must be a revision, which is a whole number, or an RFC 3339 time, such as 2026-11-23T10:15:30Z (a + in it is sent as %2B)';

/** A query parameter that takes a {@link LogPoint}. */
export const logPoint = (description: string) =>
  z
    .string()
    .max(MAX_LENGTH)
    .transform((text, context): LogPoint => {
      const fail = (message: string) => {
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      };
      if (WHOLE_NUMBER.test(text)) {
        const revision = Number(text);
        return Number.isSafeInteger(revision) ? { revision } : fail('must be a revision below 2^53');
      }
      const { success, data, error } = RFC3339_TIME.safeParse(text);
      if (success) return { time: data };
      return fail(error.issues.every(({ code }) => code === 'custom') ? error.issues[0]!.message : FORMAT_MESSAGE);
    })
    .meta({ description, openapi: { type: 'string', pattern: LOG_POINT_PATTERN, maxLength: MAX_LENGTH } });
