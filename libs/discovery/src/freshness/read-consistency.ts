import { type ServerResponse } from 'node:http';
import { clientDisconnect, queryInteger, revisionNumber } from '@coordination/http';
import { type ErrorCode, type FieldError, ValidationFailedError } from '@coordination/kernel';
import { z } from 'zod';

const CONSISTENCIES = ['eventual', 'strong'] as const;

/** The longest that a request may be held (s). */
const MAX_WAIT_SECONDS = 300;

/** How long (s) a request with `since` is held that does not say. */
const DEFAULT_WAIT_SECONDS = 30;

const MS_PER_SECOND = 1_000;

/** The query parameters that say how fresh an answer must be. */
export const FRESHNESS_PARAMETERS = {
  consistency: z
    .enum(CONSISTENCIES)
    .optional()
    .describe(
      '`eventual` (the default): what this node knows. `strong`: everything that was acknowledged before the request came, on any node; it needs the database.',
    ),
  minRevision: revisionNumber()
    .optional()
    .describe('The answer is of this revision or a later one; the request waits a moment for the node to have it.'),
} as const;

/** The query parameters that hold a request until there is news. */
export const WAITING_PARAMETERS = {
  since: queryInteger(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'Answer when something that the request selects has changed after this revision (the `X-Catalog-Revision` of the answer before), or when the time is up.',
    ),
  waitSeconds: queryInteger(0, MAX_WAIT_SECONDS)
    .optional()
    .describe(
      `How long the request is held at most; up to a sixteenth less, at random. With \`since\` only, where it is ${DEFAULT_WAIT_SECONDS} by default.`,
    ),
} as const;

/** What can be wrong with what they ask. */
export const FRESHNESS_PROBLEMS = [
  'REVISION_UNKNOWN',
  'STALE_VIEW',
  'STORE_UNAVAILABLE',
] as const satisfies ErrorCode[];
export const WAITING_PROBLEMS = ['RATE_LIMITED', ...FRESHNESS_PROBLEMS] as const satisfies ErrorCode[];

const freshnessParameters = z.object({ ...FRESHNESS_PARAMETERS, ...WAITING_PARAMETERS });

/** What they say, beside a moment of the past if one is asked for. */
type FreshnessQuery = Partial<z.output<typeof freshnessParameters>> & { readonly asOf?: unknown };

/** What a request demands of the catalog before it is answered. */
export interface ReadConsistency {
  readonly isStrong: boolean;
  readonly minRevision: number | undefined;
  /** Until when it is held; absent: it is not. */
  readonly wait: { readonly since: number; readonly limitMs: number } | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
}

/** Whatever the node knows now. */
export const NO_DEMAND: ReadConsistency = {
  isStrong: false,
  minRevision: undefined,
  wait: undefined,
  signal: undefined,
};

/**
 * What the parameters of a request demand.
 * @param response the one that the request will get, which tells whether the caller is still there
 * @throws ValidationFailedError for a time to wait without a revision to wait for, and for demands on the past
 */
export function toDemand(query: FreshnessQuery, response: ServerResponse): ReadConsistency {
  const { consistency, minRevision, since, waitSeconds } = query;
  refuseContradictions(query);
  const isStrong = consistency === 'strong';
  if (!isStrong && minRevision === undefined && since === undefined) return NO_DEMAND;
  const limitMs = (waitSeconds ?? DEFAULT_WAIT_SECONDS) * MS_PER_SECOND;
  const wait = since === undefined ? undefined : { since, limitMs };
  return { isStrong, minRevision, wait, signal: clientDisconnect(response) };
}

function refuseContradictions(query: FreshnessQuery): void {
  const errors: FieldError[] = [];
  if (query.asOf !== undefined) {
    const present = freshnessParameters.keyof().options.filter(name => query[name] !== undefined);
    errors.push(
      ...present.map(name => ({ path: `/query/${name}`, message: 'cannot go with asOf: the past is settled' })),
    );
  } else if (query.since === undefined && query.waitSeconds !== undefined) {
    errors.push({ path: '/query/waitSeconds', message: WAITS_FOR_NOTHING });
  }
  if (errors.length > 0) throw new ValidationFailedError(errors);
}

const WAITS_FOR_NOTHING =
  'needs since: the revision after which a change is waited for, which is X-Catalog-Revision of the last answer';
