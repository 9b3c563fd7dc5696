import { type LogEvent, type LogHead } from '../events/log-event.js';
import { EPOCH_JUMP } from '../events/chain-walk.js';
import { chainEvent } from '../events/hash-chain.js';
import { type EpochReason } from './compare-history.js';

const ACTOR = 'system:epoch';

/** What an event that begins an epoch says in `after`. */
export interface EpochStarted {
  readonly epoch: string;
  readonly previousEpoch: string;
  /** The last revision that survived; the event is chained to it. */
  readonly previousRevision: number;
  readonly reason: EpochReason;
  /** A later revision that a node knew, and that is lost; not said where none is known. */
  readonly lastKnownRevision?: number;
}

/** Which epoch begins, and why. */
export interface NewEpoch {
  readonly epoch: string;
  readonly batchId: string;
  readonly reason: EpochReason;
  /** The latest revision that is known to have been used; undefined: nothing is known. */
  readonly known: number | undefined;
}

const REASONS: Readonly<Record<EpochReason, string>> = {
  'log-shorter': 'The log ends before a revision that a node had seen: commits were lost.',
  'event-missing': 'The log lacks an event that a node had seen: commits were lost.',
  'event-differs':
    'The log has another event than a node had seen at that revision: it was continued from an older state.',
  'server-unconfirmed':
    'The log was found on another server or timeline than it was written on, and no node could confirm that it is whole.',
};

/**
 * The event that begins an epoch after the head that survived. It lies 2^32 revisions further, or as often as it takes
 * to rise above everything that is known: the same backup may have been restored before.
 */
export function epochEvent(
  { revision, hash, epoch: previousEpoch, now }: LogHead & { readonly now: string },
  { epoch, batchId, reason, known }: NewEpoch,
): LogEvent {
  const lost = known !== undefined && known > revision ? known : undefined;
  const jumps = lost === undefined ? 1 : Math.floor((lost - revision) / EPOCH_JUMP) + 1;
  const after: EpochStarted = {
    epoch,
    previousEpoch,
    previousRevision: revision,
    reason,
    ...(lost !== undefined && { lastKnownRevision: lost }),
  };
  const draft = {
    action: 'catalog.epoch_started' as const,
    namespace: null,
    service: null,
    instanceId: null,
    instanceUuid: null,
    actor: ACTOR,
    clientAddress: null,
    requestId: null,
    source: 'system' as const,
    reason: REASONS[reason],
    version: null,
    before: null,
    after,
  };
  return chainEvent(draft, { revision: revision + jumps * EPOCH_JUMP, at: now, batchId, previousHash: hash });
}

/** What an event says of the epoch that it begins; undefined: it begins none. */
export const epochStartedBy = ({ action, after }: Pick<LogEvent, 'action' | 'after'>): EpochStarted | undefined =>
  action === 'catalog.epoch_started' ? (after as EpochStarted) : undefined;
