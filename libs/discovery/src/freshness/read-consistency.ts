import { type ServerResponse } from 'node:http';
import { clientDisconnect, queryInteger, revisionNumber } from '@coordination/http';
import { type ErrorCode, type FieldError, ValidationFailedError } from '@coordination/kernel';
import { z } from 'zod';

const CONSISTENCIES = ['eventual', 'strong'] as const;

/** The longest that a request may be held (s). */
const MAX_WAIT_SECONDS = 300;

/** How long (s) a request with `since` is held by default. */
const DEFAULT_WAIT_SECONDS = 30;

const MS_PER_SECOND = 1_000;

/** The query parameters that require a consistency. */
export const FRESHNESS_PARAMETERS = {
  consistency: z
    .enum(CONSISTENCIES)
    .optional()
    .describe(
      '`eventual` (the default): what this node knows. `strong`: everything that any node had acknowledged when the request arrived; it needs the database.',
    ),
  minRevision: revisionNumber()
    .optional()
    .describe('The response shows this revision or a later one; the request waits a moment for the node to reach it.'),
} as const;

/** The query parameters that hold a request until something changes. */
export const WAITING_PARAMETERS = {
  since: queryInteger(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'Answer when something that the request selects has changed after this revision (the `X-Catalog-Revision` of the previous response), or when the time is up.',
    ),
  waitSeconds: queryInteger(0, MAX_WAIT_SECONDS)
    .optional()
    .describe(
      `The longest time that the request is held, of which up to a sixteenth is left out at random. Only with \`since\`; ${DEFAULT_WAIT_SECONDS} by default.`,
    ),
} as const;

/** Error codes of reads with these parameters. */
export const FRESHNESS_PROBLEMS = [
  'REVISION_UNKNOWN',
  'STALE_VIEW',
  'STORE_UNAVAILABLE',
] as const satisfies ErrorCode[];
export const WAITING_PROBLEMS = ['RATE_LIMITED', ...FRESHNESS_PROBLEMS] as const satisfies ErrorCode[];

const freshnessParameters = z.object({ ...FRESHNESS_PARAMETERS, ...WAITING_PARAMETERS });

/** The values of these parameters, and of the one that selects a past revision. */
type FreshnessQuery = Partial<z.output<typeof freshnessParameters>> & { readonly asOf?: unknown };

/** What a read requires of the catalog before it is answered. */
export interface ReadConsistency {
  /** Whether it must show everything that any node had acknowledged when the request arrived. */
  readonly isStrong: boolean;
  /** It must show this revision or a later one. */
  readonly minRevision: number | undefined;
  /** Holds the read until something changes after a revision; undefined: it is not held. */
  readonly wait: { readonly since: number; readonly limitMs: number } | undefined;
  /** Aborted when the client has disconnected. */
  readonly signal: AbortSignal | undefined;
}

/** No requirement: the read shows what this node knows. */
export const EVENTUAL: ReadConsistency = {
  isStrong: false,
  minRevision: undefined,
  wait: undefined,
  signal: undefined,
};

/**
 * The consistency that the parameters of a request require.
 * @param response its end before the response is complete means that the client has disconnected
 * @throws ValidationFailedError for `waitSeconds` without `since`, and for requirements together with `asOf`
 */
export function toConsistency(query: FreshnessQuery, response: ServerResponse): ReadConsistency {
  const { consistency, minRevision, since, waitSeconds } = query;
  assertConsistent(query);
  const isStrong = consistency === 'strong';
  if (!isStrong && minRevision === undefined && since === undefined) return EVENTUAL;
  const limitMs = (waitSeconds ?? DEFAULT_WAIT_SECONDS) * MS_PER_SECOND;
  const wait = since === undefined ? undefined : { since, limitMs };
  return { isStrong, minRevision, wait, signal: clientDisconnect(response) };
}

function assertConsistent(query: FreshnessQuery): void {
  const errors: FieldError[] = [];
  if (query.asOf !== undefined) {
    const given = freshnessParameters.keyof().options.filter(name => query[name] !== undefined);
    errors.push(
      ...given.map(name => ({ path: `/query/${name}`, message: 'cannot go with asOf: the past does not change' })),
    );
  } else if (query.since === undefined && query.waitSeconds !== undefined) {
    errors.push({ path: '/query/waitSeconds', message: WITHOUT_SINCE });
  }
  if (errors.length > 0) throw new ValidationFailedError(errors);
}

const WITHOUT_SINCE =
  'needs since: the revision after which a change is awaited, which is X-Catalog-Revision of the last response';
