import { ERROR_CODES, type ErrorCode } from '@coordination/kernel';
import { errorPageOf, type Problem } from './problem.js';

/** Members of the examples of single codes. */
const SPECIFICS: { readonly [C in ErrorCode]?: Partial<Problem> } = {
  VALIDATION_FAILED: {
    detail: '/port: must be at most 65535; /query/limit: must be a whole number',
    errors: [
      { path: '/port', message: 'must be at most 65535' },
      { path: '/query/limit', message: 'must be a whole number' },
    ],
  },
  INVALID_CURSOR: { errors: [{ path: '/query/cursor', message: 'is not a cursor of this query' }] },
  VERSION_MISMATCH: { detail: 'The instance has version 8 now. Read it again and decide again.', currentVersion: 8 },
  INCARNATION_ENDED: {
    detail:
      'default/orders/orders-7f9c is run by the incarnation 2026-11-23T08:15:30Z, and not by 2026-11-22T17:01:12Z: another process has registered under this name. Nothing was changed. Stop calling for this process, or register it with a new incarnation.',
    currentIncarnation: '2026-11-23T08:15:30Z',
    currentVersion: 8,
  },
  ALREADY_REGISTERED: { currentVersion: 3 },
  REVISION_COMPACTED: { oldestRevision: 1_000_000 },
};

/**
 * An example of a problem, for the OpenAPI document and for the page of the code.
 * @param base comes before paths of this service in links
 */
export function problemExample(code: ErrorCode, base = ''): Problem {
  const { status, title, when } = ERROR_CODES[code];
  return {
    type: errorPageOf(code, base),
    title,
    status,
    detail: when,
    instance: `${base}/api/v1/registry/instances`,
    code,
    requestId: '019b0f1e-7a52-7c3d-9a64-2f1f0f5f3b21',
    ...SPECIFICS[code],
  };
}

/** Every problem as an example of the OpenAPI document, by its code. */
export const problemExamples = (): Record<string, { summary: string; value: Problem }> =>
  Object.fromEntries(
    (Object.keys(ERROR_CODES) as ErrorCode[]).map(code => [
      code,
      { summary: ERROR_CODES[code].title, value: problemExample(code) },
    ]),
  );
