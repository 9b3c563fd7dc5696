import { type JsonValue } from '@coordination/catalog';
import { type RecalledAnswer } from './stored-answer.js';
import { type CommandResult } from '../requests/write-request.js';

/** What came of a request that a batch has carried out: the results of its commands, or why there are none. */
export type CarriedOut =
  { readonly results: readonly CommandResult[]; readonly note?: JsonValue } | { readonly error: unknown };

/** What comes of a request in a batch: it is carried out, or answered as it was before, in the same batch or an earlier one. */
export type RequestOutcome = (CarriedOut & { readonly isRepeated?: true }) | { readonly recalled: RecalledAnswer };
