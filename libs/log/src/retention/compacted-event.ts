import { type LogEvent, type LogHead } from '../events/log-event.js';
import { chainEvent } from '../events/hash-chain.js';

const ACTOR = 'system:retention';

/** What an event that tells of a cut says in `after`. */
export interface Compacted extends LogHead {
  /** The first and the last revision (`revision`, with its hash, time and epoch) that were removed, and how many there were. */
  readonly firstRevision: number;
  readonly events: number;
  /** Name of the file that they were exported to, and its SHA-256 (hex). */
  readonly exportFile: string;
  readonly exportSha256: string;
}

/** The event that tells of a cut, after the head. */
export function compactedEvent(
  { revision, hash, now }: LogHead & { readonly now: string },
  compacted: Compacted,
  batchId: string,
): LogEvent {
  const draft = {
    action: 'audit.compacted' as const,
    namespace: null,
    service: null,
    instanceId: null,
    instanceUuid: null,
    actor: ACTOR,
    clientAddress: null,
    requestId: null,
    source: 'system' as const,
    reason: `Events up to revision ${compacted.revision} were exported and removed, for they are older than what is retained.`,
    version: null,
    before: null,
    after: compacted,
  };
  return chainEvent(draft, { revision: revision + 1, at: now, batchId, previousHash: hash });
}

/** What an event says of a cut; undefined: it tells of none. */
export const compactedBy = ({ action, after }: Pick<LogEvent, 'action' | 'after'>): Compacted | undefined =>
  action === 'audit.compacted' ? (after as Compacted) : undefined;
