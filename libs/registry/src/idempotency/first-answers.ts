import { type CallOrigin } from '@coordination/context';
import { IdempotencyMismatchError } from '@coordination/kernel';
import { type CarriedOut, type RequestOutcome } from './request-outcome.js';
import { type WriteRequest } from '../requests/write-request.js';
import { type RecalledAnswer, type StoredAnswer, storedRejection, storedResults } from './stored-answer.js';

/** Names one request that may come again: a key is its caller's own. */
export interface RequestKey {
  readonly actor: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** An answer that is to be kept. */
export interface NewAnswer extends RequestKey {
  readonly answer: StoredAnswer;
}

/** What is known of a key that was used before. */
export interface KnownKey extends RequestKey, Omit<RecalledAnswer, 'answer'> {
  /** null: the request that used it was another one. */
  readonly answer: StoredAnswer | null;
}

/** What names a request; undefined if its caller sent no key. */
export function requestKeyOf({ actor, repeatable }: CallOrigin): RequestKey | undefined {
  return repeatable && { actor, key: repeatable.key, fingerprint: repeatable.fingerprint };
}

/** The first answers to the requests of a batch: those that are kept, and those that the batch itself gives. */
export class FirstAnswers {
  /** What the batch answered first, to be kept. */
  readonly news: NewAnswer[] = [];
  private readonly first = new Map<string, { readonly fingerprint: string; readonly outcome: RequestOutcome }>();

  constructor(known: readonly KnownKey[]) {
    for (const { answer, ...key } of known) {
      const outcome = answer ? { recalled: { ...key, answer } } : mismatch();
      this.first.set(nameOf(key), { fingerprint: key.fingerprint, outcome });
    }
  }

  /** Carries a request out, unless it has been answered. */
  answer({ origin }: WriteRequest, carryOut: () => CarriedOut): RequestOutcome {
    const asked = requestKeyOf(origin);
    if (!asked) return carryOut();
    const first = this.first.get(nameOf(asked));
    if (!first) return this.keep(asked, carryOut());
    return first.fingerprint === asked.fingerprint ? first.outcome : mismatch();
  }

  private keep(asked: RequestKey, outcome: CarriedOut): RequestOutcome {
    const answer = 'results' in outcome ? storedResults(outcome.results, outcome.note) : storedRejection(outcome.error);
    if (answer) {
      this.news.push({ ...asked, answer });
      this.first.set(nameOf(asked), { fingerprint: asked.fingerprint, outcome: { ...outcome, isRepeated: true } });
    }
    return outcome;
  }
}

/** A key has no spaces. */
const nameOf = ({ actor, key }: { readonly actor: string; readonly key: string }): string => `${key} ${actor}`;

const mismatch = (): CarriedOut => ({ error: new IdempotencyMismatchError() });
