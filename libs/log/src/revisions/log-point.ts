import { z } from 'zod';
import { RFC3339_TIME } from './rfc3339-time.js';

/** A moment of the catalog: a revision, or a time (RFC 3339 in UTC with milliseconds). */
export type LogPoint = { readonly revision: number } | { readonly time: string };

const WHOLE_NUMBER = /^\d+$/;

/** What a moment looks like, for the API description. */
const LOG_POINT_PATTERN =
  '^([0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))$';
const MAX_LENGTH = 64;
const WHAT =
  'must be a revision, which is a whole number, or an RFC 3339 time, such as 2026-11-23T10:15:30Z (a + in it is sent as %2B)';

/** A query parameter that names a moment of the catalog. */
export const logPoint = (about: string) =>
  z
    .string()
    .max(MAX_LENGTH)
    .transform((text, context): LogPoint => {
      const complain = (message: string) => {
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      };
      if (WHOLE_NUMBER.test(text)) {
        const revision = Number(text);
        return Number.isSafeInteger(revision) ? { revision } : complain('must be a revision below 2^53');
      }
      const { success, data, error } = RFC3339_TIME.safeParse(text);
      if (success) return { time: data };
      return complain(error.issues.every(({ code }) => code === 'custom') ? error.issues[0]!.message : WHAT);
    })
    .meta({ description: about, openapi: { type: 'string', pattern: LOG_POINT_PATTERN, maxLength: MAX_LENGTH } });
