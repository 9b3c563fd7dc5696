import { DomainError, ERROR_CODES, type ErrorCode, type FieldError } from '@coordination/kernel';
import { z } from 'zod';
import { formatETag } from '../headers/etag.js';
import { type ErrorResponse, type FailedCall } from '../routing/wire-protocol.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** The body of every error (RFC 9457, with extension members). */
export const problemView = z
  .looseObject({
    type: z
      .string()
      .meta({ description: 'A page that explains the code.', examples: ['/docs/errors/VALIDATION_FAILED'] }),
    title: z.string().describe('The same short text for every problem of this code.'),
    status: z.int().min(100).max(599).describe('The HTTP status.'),
    detail: z.string().describe('What is wrong with this request, and what to do.'),
    instance: z.string().describe('The path of the request.'),
    code: z
      .enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]])
      .meta({ id: 'ErrorCode' })
      .describe('Stable; programs should rely on it.'),
    requestId: z.string().describe('The id of the request in the log of the service.'),
    errors: z
      .array(
        z
          .looseObject({
            path: z.string().describe('JSON pointer into the body, or /query/…, /path/…, /header/….'),
            message: z.string(),
          })
          .meta({ id: 'InvalidField' }),
      )
      .optional()
      .describe('Every invalid field, if the input is invalid.'),
    currentVersion: z
      .int()
      .min(1)
      .optional()
      .describe('The current version of the instance, with 412 and INCARNATION_ENDED.'),
    currentIncarnation: z
      .string()
      .nullable()
      .optional()
      .describe('The current incarnation, with INCARNATION_ENDED; null: its process named none.'),
    oldestRevision: z
      .int()
      .min(0)
      .optional()
      .describe(
        'The oldest revision that can be used, with REVISION_COMPACTED; with INSTANCE_NOT_FOUND: instances that were removed before this revision are no longer retained.',
      ),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });

export type Problem = z.infer<typeof problemView>;

/** The path of the pages of the error codes. */
export const ERROR_PAGES = '/docs/errors';

/** The page of an error code. @param base comes before paths of this service in links */
export const errorPageOf = (code: ErrorCode, base = ''): string => `${base}${ERROR_PAGES}/${code}`;

/** A path of this service as callers see it. A target that is no path, such as that of `OPTIONS *`, is unchanged. */
export const publicPath = (base: string, path: string): string => (path.startsWith('/') ? base + path : path);

/** A problem and its headers. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
}

/** The problem document of an error, with the status and the headers that belong to it. */
export function describeProblem(error: DomainError, request: FailedCall): ProblemAnswer {
  const { requestId, path, base = '' } = request;
  const { status, title } = ERROR_CODES[error.code];
  const { errors, currentVersion, currentIncarnation, oldestRevision } = error.extras;
  const headers = errorHeaders(error);
  if (currentVersion !== undefined && !request.isForMany) headers['etag'] = formatETag(currentVersion);
  return {
    status,
    headers,
    body: {
      type: errorPageOf(error.code, base),
      title,
      status,
      detail: error.message,
      instance: publicPath(base, path),
      code: error.code,
      requestId,
      ...(errors && { errors: errors.map(({ path, message }: FieldError) => ({ path, message })) }),
      ...(currentVersion !== undefined && { currentVersion }),
      ...(currentIncarnation !== undefined && { currentIncarnation }),
      ...(oldestRevision !== undefined && { oldestRevision }),
    },
  };
}

/** The headers that HTTP asks for with an error, whatever the protocol of the route. */
export function errorHeaders({ extras: { retryAfterSeconds, allow } }: DomainError): Record<string, string> {
  return {
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    ...(allow && { allow: allow.join(', ') }),
  };
}

/** The error format of the native API (RFC 9457). */
export function formatProblem(error: DomainError, call: FailedCall): ErrorResponse {
  const { status, headers, body } = describeProblem(error, call);
  return { status, contentType: PROBLEM_MEDIA_TYPE, headers, body: JSON.stringify(body) };
}
