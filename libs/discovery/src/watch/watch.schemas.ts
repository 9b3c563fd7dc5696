import { queryInteger } from '@coordination/http';
import { INSTANCE_EXAMPLE } from '@coordination/catalog';
import { z } from 'zod';
import { ALL_NAMESPACES, searchQuery } from '../api/discovery.schemas.js';
import { FILTER_PARAMETERS, toSelection } from '../filter/selection.schemas.js';
import { bookmarkFrame, snapshotFrame } from './sse/sse-frames.js';
import { type WatchRequest } from './watches.service.js';

export const watchQuery = z.strictObject({
  namespace: searchQuery.shape.namespace,
  service: searchQuery.shape.service,
  ...FILTER_PARAMETERS,
  // Watchers of an empty catalog have received revision 0.
  since: queryInteger(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('The revision up to which the watcher has received every change. `Last-Event-ID` takes precedence.'),
});
export type WatchQuery = z.output<typeof watchQuery>;

/**
 * What a client requests to watch.
 * @param lastEventId the value of the header; browsers send it with the URL of their first request
 * @throws InvalidFilterError
 */
export function toWatchRequest(query: WatchQuery, lastEventId: number | undefined): WatchRequest {
  const { namespace, service, since, ...filters } = query;
  return {
    scope: { namespace: namespace === ALL_NAMESPACES ? null : namespace, service: service ?? null },
    selection: toSelection(filters, 'any'),
    since: lastEventId ?? since,
  };
}

const { revision, ...rest } = INSTANCE_EXAMPLE;
const { begin, end } = snapshotFrame(revision);
const next = revision + 1;

export const WATCH_EXAMPLE = [
  'retry: 2817\n\n',
  begin + JSON.stringify(INSTANCE_EXAMPLE) + end,
  `id: ${next}\nevent: instance.updated\n`,
  `data: ${JSON.stringify({ revision: next, action: 'instance.updated', instance: { ...rest, weight: 50, revision: next } })}\n\n`,
  bookmarkFrame(next).toString(),
].join('');
