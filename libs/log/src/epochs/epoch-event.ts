import { type LogEvent, type LogHead } from '../events/log-event.js';
import { EPOCH_JUMP } from '../events/chain-walk.js';
import { chainEvent } from '../events/hash-chain.js';
import { systemEvent, systemOrigin } from '../events/system-event.js';
import { type EpochReason } from './compare-history.js';

const ACTOR = 'system:epoch';

/** `after` of the event that begins an epoch. */
export interface EpochStarted {
  readonly epoch: string;
  readonly previousEpoch: string;
  /** The last revision that was not lost; the event is chained to it. */
  readonly previousRevision: number;
  readonly reason: EpochReason;
  /** A later revision that a node knew, and that was lost; absent if none is known. */
  readonly lastKnownRevision?: number;
}

/** The epoch to begin. */
export interface NewEpoch {
  readonly epoch: string;
  readonly batchId: string;
  readonly reason: EpochReason;
  /** The latest revision that a node knows; undefined: none. */
  readonly known: number | undefined;
}

const REASONS: Readonly<Record<EpochReason, string>> = {
  'log-shorter': 'The log ends before a revision that a node had seen: commits were lost.',
  'event-missing': 'The log lacks an event that a node had seen: commits were lost.',
  'event-differs':
    'The log has another event at a revision that a node had seen: it was continued from an older state.',
  'server-unconfirmed':
    'The log was found on another server or timeline than it was written on, and no node could confirm that it is complete.',
};

/**
 * The event that begins an epoch after the head that was not lost. Its revision is 2^32 above the head, or a multiple of
 * that which is above every known revision: if the same backup was restored before, the first jump is already used.
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
  const draft = systemEvent(
    { action: 'catalog.epoch_started', before: null, after },
    systemOrigin(ACTOR, REASONS[reason]),
  );
  return chainEvent(draft, { revision: revision + jumps * EPOCH_JUMP, at: now, batchId, previousHash: hash });
}

/** The epoch that an event begins; undefined: it is another kind of event. */
export const epochStartedBy = ({ action, after }: Pick<LogEvent, 'action' | 'after'>): EpochStarted | undefined =>
  action === 'catalog.epoch_started' ? (after as EpochStarted) : undefined;
