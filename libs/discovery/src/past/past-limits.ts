import { type PastScanLimits } from './past-scan.js';

/** How much one read of the past may scan. */
export interface PastLimits {
  /** For a page, which may be short. */
  readonly page: PastScanLimits;
  /** For responses that must be complete. */
  readonly whole: PastScanLimits;
  /** The most bytes of instances in a response that must be complete. */
  readonly wholeBytes: number;
}

export const PAST_LIMITS: PastLimits = {
  page: { instances: 50_000, milliseconds: 3_000 },
  whole: { instances: 300_000, milliseconds: 8_000 },
  wholeBytes: 64 * 1024 * 1024,
};

const tooMany = (what: string) => ({
  path: '/query/asOf',
  message: `${what} for one response: search page by page at /api/v1/discovery/instances, which takes asOf too`,
});

/** For pages, whose first one scans all instanceIds. */
export const TOO_MANY_FOR_PAGES = {
  path: '/query/limit',
  message:
    'needs a scan of the past of the service, which has too many instances: start again without a cursor, or search page by page at /api/v1/discovery/instances, which takes asOf and fields too',
};

export const TOO_MANY_INSTANCES = tooMany('the service had too many instances');
export const TOO_MANY_IN_NAMESPACE = tooMany('the namespace had too many instances');
