import { type LogHead } from '../events/log-event.js';
import { type EpochGap } from '../epochs/epoch-log.repository.js';

/** Where the log begins: what came up to this revision was removed. Its (revision, hash) is what the chain goes on from. */
export interface LogCut extends LogHead {
  /** The revision of the event `audit.compacted` that tells of it. */
  readonly eventRevision: number;
}

/** A cut with everything that is known of it. */
export interface LogCutRecord extends LogCut {
  readonly firstRevision: number;
  readonly events: number;
  readonly exportFile: string;
  /** SHA-256 (hex) of the exported file. */
  readonly exportSha256: string;
  readonly madeAt: string;
  /** When the last partition was gone; null: not yet. */
  readonly finishedAt: string | null;
}

/** A cut that is to be made. */
export interface NewLogCut extends Omit<LogCutRecord, 'madeAt' | 'finishedAt'> {
  readonly gaps: readonly EpochGap[];
  readonly partitions: readonly string[];
}

/** The oldest revision of which everything can be told: what the catalog was at it, and what came after. */
export const oldestOf = (cut: Pick<LogCut, 'revision'> | undefined): number => cut?.revision ?? 0;
