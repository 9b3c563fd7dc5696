import { type JsonValue } from '@coordination/kernel';
import { type RecalledAnswer } from './stored-answer.js';
import { type CommandResult } from '../requests/write-request.js';

/** The outcome of a request that was decided in this batch: the results of its commands, or why it was rejected. */
export type DecidedOutcome = (
  { readonly results: readonly CommandResult[]; readonly note?: JsonValue } | { readonly error: unknown }
) & {
  /** Whether another request of the batch had it first, under the same key. */
  readonly isRepeated?: true;
};

/** The outcome of a request in a batch, before the commit: it was decided, or it had been answered in an earlier batch. */
export type RequestOutcome = DecidedOutcome | { readonly recalled: RecalledAnswer };
