import {
  collectDefaultMetrics,
  Counter,
  type CounterConfiguration,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';

const PREFIX = 'pcs_';

type Described<C extends { registers?: unknown }> = Omit<C, 'registers'>;

/**
 * Makes the metrics of one application, on a registry of its own. Names get the prefix `pcs_`; times are in seconds and say
 * so (`_seconds`), counters end in `_total`.
 */
export class Metrics {
  readonly registry = new Registry();

  /** Adds what Prometheus clients tell of any process (`process_…`, `nodejs_…`). */
  collectProcessMetrics(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string = never>(options: Described<CounterConfiguration<L>>): Counter<L> {
    return new Counter<L>({ ...options, name: PREFIX + options.name, registers: [this.registry] });
  }

  /** A gauge whose value is best read when it is asked for, by `collect`. */
  gauge<L extends string = never>(options: Described<GaugeConfiguration<L>>): Gauge<L> {
    return new Gauge<L>({ ...options, name: PREFIX + options.name, registers: [this.registry] });
  }

  histogram<L extends string = never>(options: Described<HistogramConfiguration<L>>): Histogram<L> {
    return new Histogram<L>({ ...options, name: PREFIX + options.name, registers: [this.registry] });
  }

  /** Everything, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
