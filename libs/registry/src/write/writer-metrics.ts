import { Inject, Injectable } from '@nestjs/common';
import { Metrics } from '@coordination/observability';

const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const BATCH_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/**
 * How a batch was appended: decided on the cached catalog (`optimistic`), or under the lock of the head (`locked`).
 * `conflict`: the cached catalog was out of date, nothing was appended, and the lock had to be taken.
 */
export type AppendWay = 'optimistic' | 'conflict' | 'locked';

/** Metrics of the catalog writer, for Prometheus. */
@Injectable()
export class WriterMetrics {
  private readonly sizes;
  private readonly durations;
  private readonly reuses;
  private readonly appends;

  constructor(@Inject(Metrics) metrics: Pick<Metrics, 'counter' | 'histogram'>) {
    this.sizes = metrics.histogram({
      name: 'write_batch_changes',
      help: 'Changes that one transaction committed.',
      labelNames: [],
      buckets: BATCH_SIZES,
    });
    this.durations = metrics.histogram({
      name: 'write_batch_duration_seconds',
      help: 'Time from the start of a batch to its commit or failure.',
      labelNames: ['outcome'],
      buckets: BATCH_SECONDS,
    });
    this.reuses = metrics.counter({
      name: 'idempotency_key_reuses_total',
      help: 'Requests under an Idempotency-Key that had been used: replayed, or mismatch for another request.',
      labelNames: ['outcome'],
    });
    this.appends = metrics.counter({
      name: 'write_appends_total',
      help: 'Attempts to append a batch: optimistic (decided on the cached catalog), conflict (the cached catalog was out of date), locked (decided under the lock of the head).',
      labelNames: ['way'],
    });
  }

  /** Starts the timer of a batch; the returned function must be called at its end. */
  startBatch(): (outcome: 'committed' | 'failed', changes: number) => void {
    const end = this.durations.startTimer();
    return (outcome, changes) => {
      end({ outcome });
      if (changes > 0) this.sizes.observe(changes);
    };
  }

  /** Counts a request under a key that had been used: it got the first response again, or was rejected because it differs. */
  repeated(outcome: 'replayed' | 'mismatch'): void {
    this.reuses.inc({ outcome });
  }

  /** Counts an attempt to append a batch. */
  appended(way: AppendWay): void {
    this.appends.inc({ way });
  }
}
