import { type InstanceRecord, type InstanceView, toInstanceView } from '@coordination/catalog';
import { type StatusCounts } from '../summary/service-summary.js';
import { pick } from './instance-fields.js';
import { toListCursor } from './list-cursor.js';
import { type ListQuery } from './list-query.js';
import { type Listing, pageOf } from './listings.js';

/** A part of the list of a service. */
export interface ListedPart {
  readonly query: ListQuery;
  /** The revision of the service. */
  readonly revision: number;
  readonly listing: Listing;
  /** The instanceId after which the page begins; undefined for the first one. */
  readonly after: string | undefined;
}

/** The JSON of a list before its items and after them. */
export interface ListFrame {
  readonly begin: string;
  readonly end: string;
}

/** The frame of a part of a list. It is the same wherever it is made. */
export function listFrame({ query, revision, listing, after }: ListedPart): ListFrame {
  const { page, hasMore } = pageOf(listing.ids, query.part.limit, after);
  const last = page.at(-1);
  const nextCursor = hasMore && last !== undefined ? toListCursor(query, { at: revision, after: last }) : null;
  return framed(query, { revision, counts: listing.counts }, nextCursor);
}

/** The frame of a list with all selected instances. */
export const wholeListFrame = (query: ListQuery, of: { revision: number; counts: StatusCounts }): ListFrame =>
  framed(query, of, null);

function framed(
  { service, part }: ListQuery,
  { revision, counts }: { readonly revision: number; readonly counts: StatusCounts },
  nextCursor: string | null,
): ListFrame {
  const begin = `${JSON.stringify({ service, revision, counts }).slice(0, -1)},"instances":[`;
  return { begin, end: part.limit === null ? ']}' : `],"nextCursor":${JSON.stringify(nextCursor)}}` };
}

/** The JSON of an instance in a list. */
export const listedJson = (instance: InstanceView, { part }: ListQuery): string =>
  JSON.stringify(pick(instance, part.fields));

/** The same of a record. */
export const listedRecordJson = (record: InstanceRecord, query: ListQuery): string =>
  listedJson(toInstanceView(record), query);

/**
 * The JSON of a part of a list. A page of a revision has the same bytes wherever it is made.
 * @param instances those of the page, in its order
 */
export function listJson(listed: ListedPart, instances: readonly InstanceView[]): string {
  const { begin, end } = listFrame(listed);
  return `${begin}${instances.map(instance => listedJson(instance, listed.query)).join(',')}${end}`;
}
