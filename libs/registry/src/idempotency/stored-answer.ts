import { DomainError, ERROR_CODES, type ErrorCode, type ErrorExtras } from '@coordination/kernel';
import { type InstanceRecord, type JsonValue, type Lease } from '@coordination/catalog';
import { type LeaseEffect } from '../domain/decision.js';
import { type CommandResult } from '../requests/write-request.js';

/**
 * What is kept of the result of one command. The instance itself is not: the log has it for good, as the `after` of the
 * event that made it what the answer said.
 */
interface StoredResult {
  readonly outcome: CommandResult['outcome'];
  readonly lifeSign: LeaseEffect;
  readonly instance?: { readonly revision: number; readonly lease: Lease };
}

/** What is kept of a rejection. */
interface StoredRejection {
  readonly code: ErrorCode;
  readonly message: string;
  readonly extras: ErrorExtras;
}

/** The first answer to a request, small enough to be kept for all requests of a day. */
export type StoredAnswer =
  { readonly results: readonly StoredResult[]; readonly note?: JsonValue } | { readonly rejection: StoredRejection };

/** An answer that was given before, and where the catalog stood for it. */
export interface RecalledAnswer {
  readonly answer: StoredAnswer;
  readonly revision: number;
  readonly epoch: string;
  /** How long ago (ms) it was decided, by the clock of the database. */
  readonly ageMs: number;
}

/** A rejection that is told once more. */
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

/** Statuses of rejections by what the catalog has, or has not, at the moment of the request. */
const JUDGED_BY_THE_CATALOG: ReadonlySet<number> = new Set([404, 409, 412]);

/**
 * A rejection as it is kept; undefined for what is not. A bad request (400) is not, because most of them never come this
 * far, and it shall make no difference: whoever corrects it can keep the key. Nor is what is to be tried again.
 */
export function storedRejection(error: unknown): StoredAnswer | undefined {
  if (!(error instanceof DomainError)) return undefined;
  const { code, message, extras } = error;
  return JUDGED_BY_THE_CATALOG.has(ERROR_CODES[code].status) ? { rejection: { code, message, extras } } : undefined;
}

/** The revisions of the events that have the instances of an answer. */
export const revisionsOf = (answer: StoredAnswer): number[] =>
  'rejection' in answer ? [] : answer.results.flatMap(({ instance }) => (instance ? [instance.revision] : []));

/** What an answer told of its commands. */
export interface ToldResults {
  readonly results: readonly CommandResult[];
  readonly note?: JsonValue;
}

/**
 * What an answer told, as it was.
 * @param recordAt the instance as the event of a revision left it
 * @throws DomainError the rejection, if it was one
 */
export function recalledResults(answer: StoredAnswer, recordAt: (revision: number) => InstanceRecord): ToldResults {
  if ('rejection' in answer) throw new RecalledError(answer.rejection);
  const results = answer.results.map(({ outcome, lifeSign, instance }) => ({
    outcome,
    lifeSign,
    leased: instance && { instance: recordAt(instance.revision), lease: instance.lease },
  }));
  return { results, note: answer.note };
}
