import { type InstanceView } from '@coordination/catalog';
import { pick } from './instance-fields.js';
import { toListCursor } from './list-cursor.js';
import { type ListQuestion } from './list-question.js';
import { type Listing, pageOf } from './listings.js';

/** A part of a list that is to be put into words. */
export interface ListedPart {
  readonly question: ListQuestion;
  /** That of the service. */
  readonly revision: number;
  readonly listing: Listing;
  /** The instanceId after which the page begins; undefined for the first one. */
  readonly after: string | undefined;
}

/**
 * The answer, of which all pages of a revision have the same bytes wherever they are made.
 * @param instances those of the page, in its order
 */
export function listJson(
  { question, revision, listing, after }: ListedPart,
  instances: readonly InstanceView[],
): string {
  const { service, part } = question;
  const { page, hasMore } = pageOf(listing.ids, part.limit, after);
  const last = page.at(-1);
  const nextCursor = hasMore && last !== undefined ? toListCursor(question, { at: revision, after: last }) : null;
  return JSON.stringify({
    service,
    revision,
    counts: listing.counts,
    instances: instances.map(instance => pick(instance, part.fields)),
    ...(part.limit !== null && { nextCursor }),
  });
}
