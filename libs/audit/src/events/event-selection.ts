import { ALL_NAMESPACES } from '@coordination/catalog';
import { type RequestedRange, type EventBounds, type EventFilter, type LogPoint } from '@coordination/log';
import { type EventSelection } from './audit.schemas.js';

/** The filter of a request, for the search in the log. */
export const filterOf = ({
  namespace,
  action,
  from,
  to,
  afterRevision,
  beforeRevision,
  ...rest
}: EventSelection): EventFilter => ({
  ...rest,
  namespace: namespace === ALL_NAMESPACES ? undefined : namespace,
  // Sorted without duplicates, so that cursors remain valid if the same query is spelled differently.
  action: action && [...new Set(action)].sort(),
  ...boundOf(from, 'fromRevision', 'from'),
  ...boundOf(to, 'toRevision', 'to'),
  ...boundOf(afterRevision, 'afterRevision', 'after'),
  ...boundOf(beforeRevision, 'beforeRevision', 'before'),
});

/** The range between two points. */
export const rangeOf = (from: LogPoint | undefined, to: LogPoint | undefined): RequestedRange => ({
  ...(from && ('revision' in from ? { from: from.revision } : { fromTime: from.time })),
  ...(to && ('revision' in to ? { to: to.revision } : { toTime: to.time })),
});

type RevisionBound = 'fromRevision' | 'toRevision' | 'afterRevision' | 'beforeRevision';
type TimeBound = 'from' | 'to' | 'after' | 'before';

/** A point as a bound on revision or on time. */
function boundOf(point: LogPoint | undefined, byRevision: RevisionBound, byTime: TimeBound): EventBounds {
  if (!point) return {};
  return 'revision' in point ? { [byRevision]: point.revision } : { [byTime]: point.time };
}
