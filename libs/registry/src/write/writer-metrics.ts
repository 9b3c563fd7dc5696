/** What the writer tells of its work. */
export interface WriterMetrics {
  /** A batch begins; the function that comes back is called at its end. */
  startBatch(): (outcome: 'committed' | 'failed', changes: number) => void;
  /** A request came under a key that had been used: it was answered as before, or refused because it is another one. */
  repeated(outcome: 'replayed' | 'mismatch'): void;
}
