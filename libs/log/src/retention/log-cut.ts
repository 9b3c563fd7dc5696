import { type LogHead } from '../events/log-event.js';
import { type EpochGap } from '../epochs/epoch-log.repository.js';

/** Where the log begins: events up to this revision were removed. The chain continues from its revision and hash. */
export interface LogCut extends LogHead {
  /** The revision of the event `audit.compacted` that records the cut. */
  readonly eventRevision: number;
}

/** The full record of a cut. */
export interface LogCutRecord extends LogCut {
  readonly firstRevision: number;
  readonly events: number;
  readonly exportFile: string;
  /** SHA-256 (hex) of the exported file. */
  readonly exportSha256: string;
  readonly madeAt: string;
  /** When the last partition was removed; null: not yet. */
  readonly finishedAt: string | null;
}

/** A cut to be recorded. */
export interface NewLogCut extends Omit<LogCutRecord, 'madeAt' | 'finishedAt'> {
  readonly gaps: readonly EpochGap[];
  readonly partitions: readonly string[];
}

/** The oldest revision for which the state of the catalog and all later events are retained. */
export const oldestOf = (cut: Pick<LogCut, 'revision'> | undefined): number => cut?.revision ?? 0;
