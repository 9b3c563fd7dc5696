import { createHash } from 'node:crypto';
import { decodeCursor, encodeCursor, InvalidCursorError } from '@coordination/kernel';
import { z } from 'zod';
import { type CatalogSearch, type SearchSort } from './catalog-search.js';

/** Where a page ended: the sort key of its last instance. */
export type SearchPosition = readonly string[];

const name = z.string().regex(/^[A-Za-z0-9._:@[\]-]{1,200}$/);
const time = z.iso.datetime({ precision: 3 }).refine(text => !text.startsWith('0'));

const POSITIONS: Readonly<Record<SearchSort, z.ZodType<string[]>>> = {
  service: z.tuple([name, name, name]),
  registeredAt: z.tuple([time, z.uuid()]),
  updatedAt: z.tuple([time, z.uuid()]),
};

/** What a cursor belongs to; with a revision: the search of the catalog as it was then. */
type Cursored = CatalogSearch & { readonly at?: number };

/** The opaque text of a position, which only the same search takes back. */
export const toCursor = (search: Cursored, position: SearchPosition): string =>
  encodeCursor({ of: fingerprint(search), after: position });

/**
 * The position in the cursor of a search.
 * @throws InvalidCursorError when it was changed, or comes from another search
 */
export function fromCursor(search: Cursored, cursor: string): SearchPosition {
  const shape = z.strictObject({ of: z.string(), after: POSITIONS[search.sort] });
  const { of, after } = decodeCursor(cursor, shape);
  if (of !== fingerprint(search)) throw InvalidCursorError.ofAnotherQuery();
  return after;
}

/** Names what decides which instances come in which order, and what of them; the size of the pages may change on the way. */
function fingerprint({ namespace, service, selection, sort, order, at, fields }: Cursored): string {
  const text = JSON.stringify([namespace, service, selection, sort, order, at, ...(fields ? [fields] : [])]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
