import { type AskedRange, type EventBounds, type EventFilter, type LogPoint } from '@coordination/log';
import { type EventSelection } from './audit.schemas.js';

/** What a request selects, as the log is searched for it. */
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
  namespace: namespace === '*' ? undefined : namespace,
  // Cursors are of the same query, however it is spelt.
  action: action && [...new Set(action)].sort(),
  ...boundOf(from, 'fromRevision', 'from'),
  ...boundOf(to, 'toRevision', 'to'),
  ...boundOf(afterRevision, 'afterRevision', 'after'),
  ...boundOf(beforeRevision, 'beforeRevision', 'before'),
});

/** The range that two moments mean. */
export const rangeOf = (from: LogPoint | undefined, to: LogPoint | undefined): AskedRange => ({
  ...(from && ('revision' in from ? { from: from.revision } : { fromTime: from.time })),
  ...(to && ('revision' in to ? { to: to.revision } : { toTime: to.time })),
});

type RevisionBound = 'fromRevision' | 'toRevision' | 'afterRevision' | 'beforeRevision';
type TimeBound = 'from' | 'to' | 'after' | 'before';

/** A moment as the bound that it is, by its revision or by its time. */
function boundOf(point: LogPoint | undefined, byRevision: RevisionBound, byTime: TimeBound): EventBounds {
  if (!point) return {};
  return 'revision' in point ? { [byRevision]: point.revision } : { [byTime]: point.time };
}
