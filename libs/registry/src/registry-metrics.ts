import { type Metrics } from '@coordination/observability';
import { type RegistrationMetrics } from './registration-metrics.js';
import { type WriterMetrics } from './write/writer-metrics.js';

const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const BATCH_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** What the writer does, for Prometheus. */
export function writerMetrics(metrics: Metrics): WriterMetrics & { watchQueue(length: () => number): void } {
  const size = metrics.histogram({
    name: 'write_batch_changes',
    help: 'Changes that one transaction committed.',
    labelNames: [],
    buckets: BATCH_SIZES,
  });
  const duration = metrics.histogram({
    name: 'write_batch_duration_seconds',
    help: 'Time from the start of a batch to its commit or failure.',
    labelNames: ['outcome'],
    buckets: BATCH_SECONDS,
  });
  const repeated = metrics.counter({
    name: 'idempotency_key_reuses_total',
    help: 'Requests under an Idempotency-Key that had been used: replayed, or mismatch for another request.',
    labelNames: ['outcome'],
  });
  const appends = metrics.counter({
    name: 'write_appends_total',
    help: 'Tries to append a batch: known (on what the node knew), missed (that was not so any more), locked (under the lock).',
    labelNames: ['way'],
  });
  return {
    appended: way => appends.inc({ way }),
    repeated: outcome => repeated.inc({ outcome }),
    startBatch() {
      const end = duration.startTimer();
      return (outcome, changes) => {
        end({ outcome });
        if (changes > 0) size.observe(changes);
      };
    },
    watchQueue(length) {
      metrics.gauge({
        name: 'write_queue_commands',
        help: 'Commands that wait for their turn in a batch.',
        labelNames: [],
        collect() {
          this.set(length());
        },
      });
    },
  };
}

/** What became of registrations, for Prometheus. */
export function registrationMetrics(metrics: Metrics): RegistrationMetrics {
  const counter = metrics.counter({
    name: 'registrations_total',
    help: 'Registrations by what came of them.',
    labelNames: ['outcome'],
  });
  return { registered: outcome => counter.inc({ outcome }) };
}
