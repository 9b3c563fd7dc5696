import { type ErrorCode } from './error-codes.js';

/** One bad field: `path` is a JSON pointer (RFC 6901) into the body, or `/query/…`, `/path/…`, `/header/…`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** What an error has besides its code and message. */
export interface ErrorExtras {
  readonly errors?: readonly FieldError[];
  /** The version that the instance has now (VERSION_MISMATCH, ALREADY_REGISTERED, INCARNATION_ENDED). */
  readonly currentVersion?: number;
  /** The current incarnation; null: its process named none (INCARNATION_ENDED). */
  readonly currentIncarnation?: string | null;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterSeconds?: number;
  /** The oldest revision that can still be requested (REVISION_COMPACTED; INSTANCE_NOT_FOUND of a log that was compacted). */
  readonly oldestRevision?: number;
  /** The methods that the path takes (METHOD_NOT_ALLOWED). */
  readonly allow?: readonly string[];
}

/**
 * An error that is returned to callers: a stable code, and a message that states what is wrong and what to do.
 * It is independent of HTTP; the problem filter maps it.
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
    message = 'The cursor is not one that this service returned for this query. Start again without a cursor.',
    what = 'is not a cursor of this query',
  ) {
    super(message, { errors: [{ path: '/query/cursor', message: what }] });
  }

  /** For a cursor of another query. */
  static ofAnotherQuery(): InvalidCursorError {
    return new InvalidCursorError(
      'The cursor belongs to another query: the path and all parameters except limit must be those of the page before. Send it with those, or start again without a cursor.',
      'belongs to another query',
    );
  }
}

export class InstanceNotFoundError extends DomainError {
  readonly code = 'INSTANCE_NOT_FOUND';

  /** @param what how the caller named it, such as `id 0193…` or `default/orders/orders-1` */
  constructor(what: string) {
    super(
      `No instance is registered as ${what}. Register it (again) first. Its explanation and its history show what happened to an instance that no longer exists.`,
    );
  }
}

export class InstanceNeverKnownError extends DomainError {
  readonly code = 'INSTANCE_NOT_FOUND';

  /**
   * @param what how the caller named it, such as `id 0193…` or `default/orders/orders-1`
   * @param oldestRevision where the log begins; 0: nothing was removed from it, so there never was such an instance
   */
  constructor(what: string, oldestRevision: number) {
    super(
      oldestRevision === 0
        ? `No instance was ever registered as ${what}.`
        : `The log has no events of an instance registered as ${what}. Instances that were removed before revision ${oldestRevision} are no longer retained.`,
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

  /** For a time (RFC 3339) before the retained log. */
  static before(time: string, oldestRevision: number): RevisionCompactedError {
    return RevisionCompactedError.of(`The catalog at ${time}`, oldestRevision);
  }

  /** For a request that does not name a revision. */
  static of(what: string, oldestRevision: number): RevisionCompactedError {
    return new RevisionCompactedError(0, oldestRevision, what);
  }
}

/** Why the catalog does not know a revision. */
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
    super(`The catalog does not know revision ${revision}: ${UNKNOWN_BECAUSE[reason]}. Read again without a revision.`);
  }
}

export class VersionMismatchError extends DomainError {
  readonly code = 'VERSION_MISMATCH';

  /** @param what has the version, at the beginning of the message */
  constructor(currentVersion: number, what = 'The instance') {
    super(`${what} has version ${currentVersion} now. Read it again and decide again.`, { currentVersion });
  }
}

export class AlreadyRegisteredError extends DomainError {
  readonly code = 'ALREADY_REGISTERED';

  constructor(what: string, currentVersion: number) {
    super(`${what} is registered already, with version ${currentVersion}, and the request has If-None-Match: *.`, {
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

  /** @param what the things of which there are too many, such as `exports` */
  constructor(what: string, limit: number) {
    super(`This node has ${limit} concurrent ${what} already, which is its limit. Try again later.`, {
      retryAfterSeconds: 5,
    });
  }
}

/** Too much of the same kind of work waits for a place already. */
export class OverloadedError extends DomainError {
  readonly code = 'OVERLOADED';

  /** @param retryAfterSeconds differs from caller to caller, so that they do not all return at once */
  constructor(retryAfterSeconds: number) {
    super(
      'This node has more requests of this kind than it can answer in time. Nothing was done for this one; try again after `Retry-After`, or use another node.',
      { retryAfterSeconds },
    );
  }
}

export class StoreUnavailableError extends DomainError {
  readonly code = 'STORE_UNAVAILABLE';

  constructor(
    options?: ErrorOptions,
    message = 'The database cannot be reached, refused the request, or did not respond in time. Nothing was changed; try again.',
  ) {
    super(message, { retryAfterSeconds: 1 }, options);
  }
}

/** The database is available, but it is not known yet whether it has the same history of the catalog as before. */
export class HistoryUnsettledError extends StoreUnavailableError {
  constructor() {
    super(
      undefined,
      'The database was restored or failed over, and it is not known yet whether commits were lost. Nothing was changed; try again.',
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

  /** @param held the revision of the view; @param wanted the revision that it must reach, if that is known */
  constructor(held: number, wanted?: number, options?: ErrorOptions) {
    const whatFor = wanted === undefined ? 'the head of the log' : `revision ${wanted}`;
    super(
      `This node has followed the log to revision ${held} and did not reach ${whatFor} in time. Try again, or use another node.`,
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
