import { type CatalogChange, type CatalogView, type ChangeFeed, type FeedScope } from '@coordination/catalog';
import { type Concerns } from './poll-query.js';

/** How many changes are looked at for one request; whoever is further behind is told at once. */
const MAX_JUDGED = 1_000;

/** Where changes are looked up. */
export interface ChangeSources {
  readonly view: CatalogView;
  readonly feed: Pick<ChangeFeed, 'after'>;
}

/**
 * A revision after `since` that altered an answer, the newest that is known; undefined when there is none. Where it
 * cannot be told, because the changes are no longer in memory, or too many, it is as if there were one.
 */
export function changedSince(
  { view, feed }: ChangeSources,
  scope: FeedScope,
  since: number,
  concerns: Concerns,
): number | undefined {
  const touched = lastTouch(view, scope);
  if (touched <= since) return undefined;
  const changes = feed.after(since);
  if (!changes) return touched;
  let judged = 0;
  for (const change of changes.toReversed()) {
    if (!isWithin(change, scope)) continue;
    judged += 1;
    if (judged > MAX_JUDGED || concerns(change)) return change.revision;
  }
  return undefined;
}

/** The last revision that touched anything in scope, or a later one. */
function lastTouch(view: CatalogView, { namespace, service }: FeedScope): number {
  if (namespace === null) return view.revision;
  const touched = service === null ? view.namespaceRevision(namespace) : view.serviceRevision(namespace, service);
  return touched ?? 0;
}

const isWithin = (change: CatalogChange, { namespace, service }: FeedScope): boolean =>
  (namespace === null || change.namespace === namespace) && (service === null || change.service === service);
