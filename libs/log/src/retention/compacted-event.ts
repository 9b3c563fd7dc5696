import { type LogEvent, type LogHead } from '../events/log-event.js';
import { chainEvent } from '../events/hash-chain.js';
import { systemEvent, systemOrigin } from '../events/system-event.js';

const ACTOR = 'system:retention';

/** `after` of the event that records a cut: the last removed event (`revision` with its hash, time and epoch), and more. */
export interface Compacted extends LogHead {
  /** The first removed revision, and how many events were removed. */
  readonly firstRevision: number;
  readonly events: number;
  /** Name of the file that the events were exported to, and its SHA-256 (hex). */
  readonly exportFile: string;
  readonly exportSha256: string;
}

/** The event that records a cut, after the head. */
export function compactedEvent(
  { revision, hash, now }: LogHead & { readonly now: string },
  compacted: Compacted,
  batchId: string,
): LogEvent {
  const reason = `Events up to revision ${compacted.revision} were exported and removed: they are older than the retention period.`;
  const draft = systemEvent({ action: 'audit.compacted', before: null, after: compacted }, systemOrigin(ACTOR, reason));
  return chainEvent(draft, { revision: revision + 1, at: now, batchId, previousHash: hash });
}

/** The cut that an event records; undefined: it is another kind of event. */
export const compactedBy = ({ action, after }: Pick<LogEvent, 'action' | 'after'>): Compacted | undefined =>
  action === 'audit.compacted' ? (after as Compacted) : undefined;
