import { DomainError, ERROR_CODES, type ErrorCode, type ErrorExtras, type JsonValue } from '@coordination/kernel';
import { type InstanceRecord, type Lease } from '@coordination/catalog';
import { type LeaseEffect } from '../domain/decision.js';
import { type CommandResult, type WriteResult } from '../requests/write-request.js';

/**
 * What is stored of the result of one command. The instance itself is not stored: the log has it, as the `after` of the event
 * that led to the state in the answer.
 */
interface StoredResult {
  readonly outcome: CommandResult['outcome'];
  readonly lifeSign: LeaseEffect;
  readonly instance?: { readonly revision: number; readonly lease: Lease };
}

/** What is stored of a rejection. */
interface StoredRejection {
  readonly code: ErrorCode;
  readonly message: string;
  readonly extras: ErrorExtras;
}

/** The first answer to a request, small enough to be stored for all requests of a day. */
export type StoredAnswer =
  { readonly results: readonly StoredResult[]; readonly note?: JsonValue } | { readonly rejection: StoredRejection };

/** An answer that was given before, and the position in the catalog that it is of. */
export interface RecalledAnswer {
  readonly answer: StoredAnswer;
  readonly revision: number;
  readonly epoch: string;
  /** How long ago (ms) it was decided, by the clock of the database. */
  readonly ageMs: number;
}

/** A rejection that is returned again. */
class RecalledError extends DomainError {
  readonly code: ErrorCode;

  constructor({ code, message, extras }: StoredRejection) {
    super(message, extras);
    this.code = code;
  }
}

export const storedResults = (results: readonly CommandResult[], note: JsonValue | undefined): StoredAnswer => ({
  results: results.map(({ outcome, lifeSign, leased }) => ({
    outcome,
    lifeSign,
    ...(leased && { instance: { revision: leased.instance.revision, lease: leased.lease } }),
  })),
  note,
});

/** Statuses of rejections that depend on the state of the catalog at the moment of the request. */
const DEPENDS_ON_CATALOG: ReadonlySet<number> = new Set([404, 409, 412]);

/**
 * A rejection in its stored form; undefined if it is not stored. Validation failures (400) are not stored, so that a
 * corrected request can reuse its key: most of them are found before the request gets here, and all must be treated alike.
 * Failures that call for a retry are not stored either.
 */
export function storedRejection(error: unknown): StoredAnswer | undefined {
  if (!(error instanceof DomainError)) return undefined;
  const { code, message, extras } = error;
  return DEPENDS_ON_CATALOG.has(ERROR_CODES[code].status) ? { rejection: { code, message, extras } } : undefined;
}

/** The revisions of the events that have the instances of an answer. */
export const revisionsOf = (answer: StoredAnswer): number[] =>
  'rejection' in answer ? [] : answer.results.flatMap(({ instance }) => (instance ? [instance.revision] : []));

/**
 * The results and the note of a stored answer.
 * @param recordAt the instance as the event of a revision left it
 * @throws DomainError the rejection, if it was one
 */
export function recalledResults(
  answer: StoredAnswer,
  recordAt: (revision: number) => InstanceRecord,
): Pick<WriteResult, 'results' | 'note'> {
  if ('rejection' in answer) throw new RecalledError(answer.rejection);
  const results = answer.results.map(({ outcome, lifeSign, instance }) => ({
    outcome,
    lifeSign,
    leased: instance && { instance: recordAt(instance.revision), lease: instance.lease },
  }));
  return { results, note: answer.note };
}
