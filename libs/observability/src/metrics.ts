import { Injectable, type OnModuleInit } from '@nestjs/common';
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

/** One value of a metric with labels. */
export interface Sample<L extends string = string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly value: number;
}

/** A metric with labels, without the prefix of its name. */
export interface LabelledMetric<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
}

/**
 * Creates the metrics of one application, on a registry of its own. Names get the prefix `pcs_`; names of times end in
 * `_seconds`, names of counters in `_total`.
 */
@Injectable()
export class Metrics implements OnModuleInit {
  readonly registry = new Registry();

  /** Adds the usual metrics of a process (`process_…`, `nodejs_…`). */
  onModuleInit(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string = never>(options: Described<CounterConfiguration<L>>): Counter<L> {
    return new Counter<L>({ ...options, name: PREFIX + options.name, registers: [this.registry] });
  }

  /** A gauge that is set by its owner; see {@link observedGauge} for one that is read. */
  gauge<L extends string = never>(options: Described<GaugeConfiguration<L>>): Gauge<L> {
    return new Gauge<L>({ ...options, name: PREFIX + options.name, registers: [this.registry] });
  }

  histogram<L extends string = never>(options: Described<HistogramConfiguration<L>>): Histogram<L> {
    return new Histogram<L>({ ...options, name: PREFIX + options.name, registers: [this.registry] });
  }

  /** A gauge that is read when metrics are collected. */
  observedGauge(name: string, help: string, read: () => number | Promise<number>): void {
    this.gauge({
      name,
      help,
      async collect() {
        this.set(await read());
      },
    });
  }

  /**
   * A gauge with labels that is read when metrics are collected. Samples with the same labels add up; labels that are not
   * read again disappear.
   */
  observedGauges<L extends string>(
    { name, help, labelNames }: LabelledMetric<L>,
    read: () => Iterable<Sample<L>>,
  ): void {
    this.gauge<string>({ name, help, labelNames, collect: replaceSamples(read) });
  }

  /** A counter of which another class keeps the total; read when metrics are collected. */
  observedCounter(name: string, help: string, read: () => number): void {
    this.counter({
      name,
      help,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** Counters with labels of which another class keeps the totals; read when metrics are collected. */
  observedCounters<L extends string>(
    { name, help, labelNames }: LabelledMetric<L>,
    read: () => Iterable<Sample<L>>,
  ): void {
    this.counter<string>({ name, help, labelNames, collect: replaceSamples(read) });
  }

  /** All metrics, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

/** What a metric does when it is collected: it drops its samples, and adds up those that are read. */
function replaceSamples(read: () => Iterable<Sample>): (this: Counter | Gauge) => void {
  return function () {
    this.reset();
    for (const { labels, value } of read()) this.inc(labels, value);
  };
}
