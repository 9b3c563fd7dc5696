import { type ScanLimits } from '../selection/scan-budget.js';

/** What one request about the past may look at. */
export interface PastLimits {
  /** For a page, which may be short. */
  readonly page: ScanLimits;
  /** For answers that are all or nothing. */
  readonly whole: ScanLimits;
  /** The most bytes of instances in an answer that is all or nothing. */
  readonly wholeBytes: number;
}

export const PAST_LIMITS: PastLimits = {
  page: { instances: 50_000, milliseconds: 3_000 },
  whole: { instances: 300_000, milliseconds: 8_000 },
  wholeBytes: 64 * 1024 * 1024,
};

const tooMany = (what: string) => ({
  path: '/query/asOf',
  message: `${what} for one answer: search page by page at /api/v1/discovery/instances, which takes asOf too`,
});

/** For pages, whose first one looks at all names. */
export const TOO_MANY_FOR_PAGES = {
  path: '/query/limit',
  message:
    'would have to put into pages what the service was, of whose past there are too many instances: begin anew without a cursor, or search page by page at /api/v1/discovery/instances, which takes asOf and fields too',
};

export const TOO_MANY_INSTANCES = tooMany('the service had too many instances');
export const TOO_MANY_IN_NAMESPACE = tooMany('the namespace had too many instances');
