import { type InstanceView } from '@coordination/catalog';
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

/**
 * The JSON of a part of a list. A page of a revision has the same bytes wherever it is made.
 * @param instances those of the page, in its order
 */
export function listJson({ query, revision, listing, after }: ListedPart, instances: readonly InstanceView[]): string {
  const { service, part } = query;
  const { page, hasMore } = pageOf(listing.ids, part.limit, after);
  const last = page.at(-1);
  const nextCursor = hasMore && last !== undefined ? toListCursor(query, { at: revision, after: last }) : null;
  return JSON.stringify({
    service,
    revision,
    counts: listing.counts,
    instances: instances.map(instance => pick(instance, part.fields)),
    ...(part.limit !== null && { nextCursor }),
  });
}
