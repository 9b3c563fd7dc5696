import { queryCursor, queryInteger } from '@coordination/http';
import { ValidationFailedError } from '@coordination/kernel';
import { fieldsParameter, type InstanceField, NAMED_IN_SERVICE, toFields } from './instance-fields.js';
import { fromListCursor, type ListPosition } from './list-cursor.js';
import { type ListPart, type ListQuery } from './list-query.js';

const MAX_LIMIT = 1_000;
const MAX_CURSOR_LENGTH = 2_000;

/** The query parameters that select a part of the list of a service. */
export const PART_PARAMETERS = {
  limit: queryInteger(1, MAX_LIMIT)
    .optional()
    .describe('Instances per page. Without it, the response is the whole list.'),
  cursor: queryCursor(MAX_CURSOR_LENGTH).describe(
    '`nextCursor` of the previous page, together with `limit`, which may differ, and the same other parameters. All pages show the revision of the first one. `consistency`, `minRevision`, `since` and `waitSeconds` apply to the first page; with a cursor they have no effect.',
  ),
  fields: fieldsParameter(NAMED_IN_SERVICE),
} as const;

/** The values of these parameters. */
interface PartQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly fields?: readonly InstanceField[] | undefined;
}

export const toPart = ({ limit, fields }: PartQuery): ListPart => ({
  fields: toFields(fields, NAMED_IN_SERVICE),
  limit: limit ?? null,
});

/**
 * Where the previous page ended; undefined: there was none.
 * @throws ValidationFailedError for a cursor without a limit
 * @throws InvalidCursorError when it was altered, or belongs to another query
 */
export function toPosition(query: ListQuery, cursor: string | undefined): ListPosition | undefined {
  if (cursor === undefined) return undefined;
  if (query.part.limit === null) throw ValidationFailedError.at('/query/cursor', WITHOUT_LIMIT);
  return fromListCursor(query, cursor);
}

const WITHOUT_LIMIT = 'needs limit: how many instances the page may have';
