/**
 * How a batch was appended: on what this node knew (`known`), or under the lock of the head (`locked`); `missed`: what it
 * knew was not so any more, and the lock had to be taken after all.
 */
export type AppendWay = 'known' | 'locked' | 'missed';

/** What the writer tells of its work. */
export interface WriterMetrics {
  /** A batch begins; the function that comes back is called at its end. */
  startBatch(): (outcome: 'committed' | 'failed', changes: number) => void;
  /** A request came under a key that had been used: it was answered as before, or refused because it is another one. */
  repeated(outcome: 'replayed' | 'mismatch'): void;
  /** A try to append a batch has ended. */
  appended(way: AppendWay): void;
}
