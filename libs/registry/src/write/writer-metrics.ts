/** What the writer tells of its work. */
export interface WriterMetrics {
  /** A batch begins; the function that comes back is called at its end. */
  startBatch(): (outcome: 'committed' | 'failed', changes: number) => void;
}
