import { type CatalogView, type ChangeFeed, isInScope, type Scope } from '@coordination/catalog';
import { type ChangeTest } from './poll-query.js';

/** How many changes are tested for one request; with more, the request is answered at once. */
const MAX_TESTED = 1_000;

/** Where changes are looked up. */
export interface ChangeSources {
  readonly view: CatalogView;
  readonly feed: Pick<ChangeFeed, 'after'>;
}

/**
 * The newest known revision after `since` that affects a response; undefined when there is none. When that is not known,
 * because the changes are no longer in memory or too many, it returns a revision as if there were one.
 */
export function changedSince(
  { view, feed }: ChangeSources,
  scope: Scope,
  since: number,
  affects: ChangeTest,
): number | undefined {
  const touched = lastTouch(view, scope);
  if (touched <= since) return undefined;
  const changes = feed.after(since);
  if (!changes) return touched;
  let tested = 0;
  for (const change of changes.toReversed()) {
    if (!isInScope(scope, change)) continue;
    tested += 1;
    if (tested > MAX_TESTED || affects(change)) return change.revision;
  }
  return undefined;
}

/** The last revision that touched anything in scope, or a later one. */
function lastTouch(view: CatalogView, { namespace, service }: Scope): number {
  if (namespace === null) return view.revision;
  const touched = service === null ? view.namespaceRevision(namespace) : view.serviceRevision(namespace, service);
  return touched ?? 0;
}
