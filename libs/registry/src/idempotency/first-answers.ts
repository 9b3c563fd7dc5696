import { IdempotencyMismatchError } from '@coordination/kernel';
import { type RequestKey } from '../requests/request-key.js';
import { type DecidedOutcome, type RequestOutcome } from './request-outcome.js';
import { type RecalledAnswer, type StoredAnswer, storedRejection, storedResults } from './stored-answer.js';

/** A first answer that must be stored. */
export interface NewAnswer extends RequestKey {
  readonly answer: StoredAnswer;
}

/** A key that was used before. */
export interface UsedKey extends RequestKey, Omit<RecalledAnswer, 'answer'> {
  /** null: the request that used it was another one. */
  readonly answer: StoredAnswer | null;
}

/** The first answers to the requests of a batch: the stored ones, and those that the batch itself gives. */
export class FirstAnswers {
  /** The first answers of this batch, to be stored. */
  readonly news: NewAnswer[] = [];
  private readonly first = new Map<string, { readonly fingerprint: string; readonly outcome: RequestOutcome }>();

  constructor(used: readonly UsedKey[]) {
    for (const { answer, ...key } of used) {
      const outcome = answer ? { recalled: { ...key, answer } } : mismatch();
      this.first.set(nameOf(key), { fingerprint: key.fingerprint, outcome });
    }
  }

  /** The outcome of a request under a key that was used; undefined: it must be carried out. */
  find(key: RequestKey): RequestOutcome | undefined {
    const first = this.first.get(nameOf(key));
    if (!first) return undefined;
    return first.fingerprint === key.fingerprint ? first.outcome : mismatch();
  }

  /** Keeps the outcome of a request that was carried out, if it is to be the answer to its repetitions. */
  keep(key: RequestKey, outcome: DecidedOutcome): RequestOutcome {
    const answer = 'results' in outcome ? storedResults(outcome.results, outcome.note) : storedRejection(outcome.error);
    if (answer) {
      this.news.push({ ...key, answer });
      this.first.set(nameOf(key), { fingerprint: key.fingerprint, outcome: { ...outcome, isRepeated: true } });
    }
    return outcome;
  }
}

/** A key has no spaces. */
const nameOf = ({ actor, key }: { readonly actor: string; readonly key: string }): string => `${key} ${actor}`;

const mismatch = (): DecidedOutcome => ({ error: new IdempotencyMismatchError() });
