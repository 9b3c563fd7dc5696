import { type ReadIndex } from '@coordination/log';
import { type Metrics } from '@coordination/observability';
import { type ReadBarrier } from './read-barrier.js';

/** What there is to tell of strong reads, for Prometheus; read when it is asked for. */
export function measureGate(metrics: Metrics, gate: ReadBarrier, readIndex: ReadIndex): void {
  const total = (name: string, help: string, read: () => number) => {
    let told = 0;
    metrics.counter({
      name,
      help,
      labelNames: [],
      collect() {
        const count = read();
        this.inc(count - told);
        told = count;
      },
    });
  };
  total('strong_reads_total', 'Reads that asked for `consistency=strong`.', () => gate.strongReads);
  total('read_index_queries_total', 'Times that the primary was asked where the log ends.', () => readIndex.queries);
}
