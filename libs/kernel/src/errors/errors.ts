import { type ErrorCode } from './error-codes.js';

/** One bad field: `path` is a JSON pointer (RFC 6901) into the body, or `/query/…`, `/path/…`, `/header/…`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** What an error tells besides its code and text. */
export interface ErrorExtras {
  readonly errors?: readonly FieldError[];
  /** The version that the instance has now (VERSION_MISMATCH, ALREADY_REGISTERED, INCARNATION_ENDED). */
  readonly currentVersion?: number;
  /** The incarnation that runs now; null: it named none (INCARNATION_ENDED). */
  readonly currentIncarnation?: string | null;
  /** Seconds after which another try makes sense. */
  readonly retryAfterSeconds?: number;
  /** The oldest revision that can still be asked for (REVISION_COMPACTED; INSTANCE_NOT_FOUND of a log that was cut). */
  readonly oldestRevision?: number;
  /** Methods that the path does take (METHOD_NOT_ALLOWED). */
  readonly allow?: readonly string[];
}

/**
 * A failure that callers are told about: a stable code, and a detail that says what is wrong and what to do.
 * It knows nothing of HTTP; the problem filter maps it.
 */
export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode;

  constructor(
    message: string,
    readonly extras: ErrorExtras = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class ValidationFailedError extends DomainError {
  readonly code = 'VALIDATION_FAILED';

  constructor(errors: readonly FieldError[], message = describe(errors)) {
    super(message, { errors });
  }

  /** One bad field. */
  static at(path: string, message: string): ValidationFailedError {
    return new ValidationFailedError([{ path, message }]);
  }
}

export class MalformedJsonError extends DomainError {
  readonly code = 'MALFORMED_JSON';
}

export class InvalidFilterError extends DomainError {
  readonly code = 'INVALID_FILTER';

  constructor(errors: readonly FieldError[]) {
    super(describe(errors), { errors });
  }
}

export class InvalidCursorError extends DomainError {
  readonly code = 'INVALID_CURSOR';

  constructor(
    message = 'The cursor is not one that this service gave for this query. Start again without a cursor.',
    what = 'is not a cursor of this query',
  ) {
    super(message, { errors: [{ path: '/query/cursor', message: what }] });
  }

  /** For a cursor that was given, but not for what it comes with. */
  static ofAnotherQuery(): InvalidCursorError {
    return new InvalidCursorError(
      'The cursor was given for another query: the path and all parameters but limit must be those of the page before. Send it with those, or start again without a cursor.',
      'was given for another query',
    );
  }
}

export class InstanceNotFoundError extends DomainError {
  readonly code = 'INSTANCE_NOT_FOUND';

  /** @param what how the caller named it, such as `id 0193…` or `default/orders/orders-1` */
  constructor(what: string) {
    super(
      `No instance is registered as ${what}. Register it (again) first. What became of one that is gone is told by its explain and its history.`,
    );
  }
}

export class InstanceNeverKnownError extends DomainError {
  readonly code = 'INSTANCE_NOT_FOUND';

  /**
   * @param what how the caller named it, such as `id 0193…` or `default/orders/orders-1`
   * @param oldestRevision where the log begins; 0: nothing of it was removed, so there never was such an instance
   */
  constructor(what: string, oldestRevision: number) {
    super(
      oldestRevision === 0
        ? `No instance was ever registered as ${what}.`
        : `The log has nothing of an instance registered as ${what}. What was gone by revision ${oldestRevision} is no longer retained; everything after it is.`,
      oldestRevision === 0 ? {} : { oldestRevision },
    );
  }
}

export class EventNotFoundError extends DomainError {
  readonly code = 'EVENT_NOT_FOUND';

  constructor(revision: number) {
    super(`The log has no event with revision ${revision}.`);
  }
}

export class NoInstanceAvailableError extends DomainError {
  readonly code = 'NO_INSTANCE_AVAILABLE';

  /** @param service as `namespace/service`; @param known how many instances it has, whatever their status */
  constructor(service: string, known: number) {
    super(
      known === 0
        ? `${service} has no instances.`
        : `None of the ${known} instances of ${service} is selected by the request and fit to be called.`,
    );
  }
}

export class RevisionCompactedError extends DomainError {
  readonly code = 'REVISION_COMPACTED';

  constructor(revision: number, oldestRevision: number, what = `Revision ${revision}`) {
    super(`${what} is no longer retained; the oldest revision that can be used is ${oldestRevision}.`, {
      oldestRevision,
    });
  }

  /** For a time (RFC 3339) before what is retained. */
  static before(time: string, oldestRevision: number): RevisionCompactedError {
    return RevisionCompactedError.of(`What was at ${time}`, oldestRevision);
  }

  /** For what is not asked for by its revision. */
  static of(what: string, oldestRevision: number): RevisionCompactedError {
    return new RevisionCompactedError(0, oldestRevision, what);
  }
}

/** Why a revision means nothing to the catalog as it is. */
export type UnknownRevisionReason = 'above-head' | 'never-used' | 'ended-epoch';

const UNKNOWN_BECAUSE: Readonly<Record<UnknownRevisionReason, string>> = {
  'above-head': 'the log does not reach that far',
  'never-used': 'no change ever had that number',
  'ended-epoch': 'it belongs to a history that has ended, because a backup was restored or a failover lost commits',
};

export class RevisionUnknownError extends DomainError {
  readonly code = 'REVISION_UNKNOWN';

  constructor(
    revision: number,
    readonly reason: UnknownRevisionReason,
  ) {
    super(`The catalog does not know revision ${revision}: ${UNKNOWN_BECAUSE[reason]}. Read anew, without a revision.`);
  }
}

export class VersionMismatchError extends DomainError {
  readonly code = 'VERSION_MISMATCH';

  constructor(currentVersion: number) {
    super(`The instance has version ${currentVersion} now. Read it again and decide again.`, { currentVersion });
  }
}

export class AlreadyRegisteredError extends DomainError {
  readonly code = 'ALREADY_REGISTERED';

  constructor(what: string, currentVersion: number) {
    super(`${what} is registered already, with version ${currentVersion}, and If-None-Match: * was asked.`, {
      currentVersion,
    });
  }
}

export class IncarnationEndedError extends DomainError {
  readonly code = 'INCARNATION_ENDED';

  /**
   * @param what the instance, such as `default/orders/orders-1`
   * @param running the incarnation that runs (null: it named none), and the version of the instance
   */
  constructor(what: string, named: string, running: { readonly incarnation: string | null; readonly version: number }) {
    const { incarnation: current, version } = running;
    const now = current === null ? 'a process that named no incarnation' : `the incarnation ${current}`;
    super(
      `${what} is run by ${now}, and not by ${named}: another process has registered under this name. Nothing was changed. Stop calling for this process, or register it with a new incarnation.`,
      { currentIncarnation: current, currentVersion: version },
    );
  }
}

export class IdempotencyMismatchError extends DomainError {
  readonly code = 'IDEMPOTENCY_MISMATCH';

  constructor() {
    super('This Idempotency-Key was used for another request. Nothing was changed; use a new key for a new request.');
  }
}

export class QueueFullError extends DomainError {
  readonly code = 'QUEUE_FULL';

  constructor(waiting: number) {
    super(`${waiting} changes are waiting for the database already. Nothing was changed; try again later.`, {
      retryAfterSeconds: 1,
    });
  }
}

export class RateLimitedError extends DomainError {
  readonly code = 'RATE_LIMITED';

  /** @param what what there is too much of, such as `exports` */
  constructor(what: string, limit: number) {
    super(`This node does ${limit} ${what} at once already. Try again later.`, { retryAfterSeconds: 5 });
  }
}

export class StoreUnavailableError extends DomainError {
  readonly code = 'STORE_UNAVAILABLE';

  constructor(
    options?: ErrorOptions,
    message = 'The database cannot be reached, refuses to serve, or did not answer in time. Nothing was changed; try again.',
  ) {
    super(message, { retryAfterSeconds: 1 }, options);
  }
}

/** The database is there, but whether it has the history of the catalog that was told so far is being found out. */
export class HistoryUnsettledError extends StoreUnavailableError {
  constructor() {
    super(
      undefined,
      'The database was restored or failed over, and it is not settled yet whether commits were lost. Nothing was changed; try again.',
    );
  }
}

export class OutcomeUnknownError extends DomainError {
  readonly code = 'OUTCOME_UNKNOWN';

  constructor(options?: ErrorOptions) {
    super(
      'The connection to the database broke during the commit: the change may or may not have happened. Send it again under the same Idempotency-Key, or read before you decide to repeat.',
      { retryAfterSeconds: 1 },
      options,
    );
  }
}

export class StaleViewError extends DomainError {
  readonly code = 'STALE_VIEW';

  /** @param stalenessSeconds age of the view; @param limitSeconds what is allowed */
  constructor(stalenessSeconds: number, limitSeconds: number) {
    super(
      `This node last knew the catalog to be current ${Math.round(stalenessSeconds)} s ago; ${limitSeconds} s are allowed.`,
      { retryAfterSeconds: 5 },
    );
  }
}

export class ViewBehindError extends DomainError {
  readonly code = 'STALE_VIEW';

  /** @param held the revision that the view has; @param wanted the one that it must have, where it is known */
  constructor(held: number, wanted?: number, options?: ErrorOptions) {
    const whatFor = wanted === undefined ? 'what the log has' : `revision ${wanted}`;
    super(
      `This node has followed the log to revision ${held} and did not come to ${whatFor} in time. Ask again, or another node.`,
      { retryAfterSeconds: 1 },
      options,
    );
  }
}

export class StartingError extends DomainError {
  readonly code = 'STARTING';

  constructor() {
    super('This node has not loaded the catalog yet.', { retryAfterSeconds: 1 });
  }
}

function describe(errors: readonly FieldError[]): string {
  return errors.map(error => `${error.path || '(body)'}: ${error.message}`).join('; ');
}
