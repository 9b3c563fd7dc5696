import { z } from 'zod';
import { statusRanges } from './expected-statuses.js';

const MAX_PATH_LENGTH = 1_000;
const MAX_STATUSES_LENGTH = 200;
const MAX_HEADERS = 20;
const MAX_VALUE_LENGTH = 1_000;

/** Origin-form of a request target (RFC 9112, section 3.2.1), escaped. */
const REQUEST_PATH = /^\/[\x21\x22\x24-\x7e]*$/;
/** A field name (RFC 9110, section 5.1). */
const FIELD_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** Visible ASCII, with spaces and tabs inside only. */
const FIELD_VALUE = /^([\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?)?$/;

/** Headers of the connection and of the message framing, which the HTTP client sets (RFC 9110, section 7.6.1). */
const CONNECTION =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|content-encoding|expect|http2-settings|host|:.*)$/;
/** Names of headers with secrets, which must not be in a check: every reader of the catalog can read it, and it stays in the audit log. */
const SECRET = /^(authorization|cookie|set-cookie|.*(api-?key|secret|password|token).*)$/;

export const requestPathSchema = z
  .string()
  .max(MAX_PATH_LENGTH)
  .regex(REQUEST_PATH, 'must begin with / and have visible ASCII characters only, without #; escape others as %XX')
  .default('/health')
  .describe('Path to request, optionally with a query.');

export const expectedStatusesSchema = z
  .string()
  .max(MAX_STATUSES_LENGTH)
  .refine(text => statusRanges(text) !== undefined, 'must be statuses or ranges from 200 to 599, such as 200-299,304')
  .default('200-299')
  .describe('Statuses that mean success, and ranges of them, separated by commas. Redirects are not followed.')
  .meta({ pattern: '^[2-5][0-9]{2}(-[2-5][0-9]{2})?(,[2-5][0-9]{2}(-[2-5][0-9]{2})?)*$' });

const complaintAbout = (name: string, value: string): string | undefined => {
  const lowered = name.toLowerCase();
  if (!FIELD_NAME.test(name)) return 'is not a header name';
  if (CONNECTION.test(lowered)) return 'cannot be set: the HTTP client sets it';
  if (SECRET.test(lowered)) {
    return 'cannot be set: every reader of the catalog can read a check, and it stays in the audit log';
  }
  return FIELD_VALUE.test(value) ? undefined : 'must be a value of visible ASCII characters';
};

export const checkHeadersSchema = z
  .record(z.string(), z.string().max(MAX_VALUE_LENGTH))
  .default({})
  .superRefine((headers, context) => {
    const entries = Object.entries(headers);
    if (entries.length > MAX_HEADERS) {
      context.addIssue({ code: 'custom', message: `must not be more than ${MAX_HEADERS}` });
      return;
    }
    const seen = new Set<string>();
    for (const [name, value] of entries) {
      const lowered = name.toLowerCase();
      const message = seen.has(lowered) ? 'occurs twice' : complaintAbout(name, value);
      if (message !== undefined) context.addIssue({ code: 'custom', message, path: [name] });
      seen.add(lowered);
    }
  })
  .transform(headers => Object.fromEntries(Object.entries(headers).map(([name, v]) => [name.toLowerCase(), v])))
  .describe(
    'Headers to send in addition to those of the connection. No secrets: every reader of the catalog sees them.',
  );
