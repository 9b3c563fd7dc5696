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

/** The search that a cursor belongs to; with a revision: a search of the catalog at that revision. */
type Cursored = CatalogSearch & { readonly at?: number };

/** The opaque text of a position, which is valid for the same search only. */
export const toCursor = (search: Cursored, position: SearchPosition): string =>
  encodeCursor({ of: fingerprint(search), after: position });

/**
 * The position in the cursor of a search.
 * @throws InvalidCursorError when it was altered, or belongs to another search
 */
export function fromCursor(search: Cursored, cursor: string): SearchPosition {
  const shape = z.strictObject({ of: z.string(), after: POSITIONS[search.sort] });
  const { of, after } = decodeCursor(cursor, shape);
  if (of !== fingerprint(search)) throw InvalidCursorError.ofAnotherQuery();
  return after;
}

/** Identifies which instances and members the pages show, in which order; the size of the pages may change between them. */
function fingerprint({ namespace, service, selection, sort, order, at, fields }: Cursored): string {
  const text = JSON.stringify([namespace, service, selection, sort, order, at, ...(fields ? [fields] : [])]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
