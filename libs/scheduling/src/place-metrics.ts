import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '@coordination/observability';
import { PLACE_KINDS, type PlaceKind } from './places/place-kinds.js';
import { type PlaceUse, REFUSAL_REASONS, WorkPlaces } from './work-places.js';

const BUCKETS_SECONDS = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/** Exports how the places of heavy and long work are used. */
@Injectable()
export class PlaceMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly places: WorkPlaces,
  ) {}

  onModuleInit(): void {
    const gauge = (name: string, help: string, read: (use: PlaceUse) => number) =>
      this.metrics.observedGauges({ name, help, labelNames: ['kind'] }, () => this.samples(read));
    gauge('work_places', 'Pieces of work that may run at once, by kind of place.', ({ places }) => places);
    gauge('work_places_taken', 'Pieces of work that run now, by kind of place.', ({ taken }) => taken);
    gauge('work_waiting', 'Requests that wait for a place, by kind of place.', ({ waiting }) => waiting);
    this.metrics.observedCounters(
      {
        name: 'work_refused_total',
        help: 'Requests answered OVERLOADED because the line was full or they waited too long, by kind of place.',
        labelNames: ['kind', 'reason'],
      },
      () =>
        REFUSAL_REASONS.flatMap(reason =>
          this.samples(({ refused }) => refused[reason]).map(({ labels, value }) => ({
            labels: { ...labels, reason },
            value,
          })),
        ),
    );
    const waited = this.metrics.histogram({
      name: 'work_wait_seconds',
      help: 'Time that requests waited until they got a place, by kind of place.',
      labelNames: ['kind'],
      buckets: BUCKETS_SECONDS,
    });
    this.places.onEntered = (kind, seconds) => waited.observe({ kind }, seconds);
  }

  private samples(read: (use: PlaceUse) => number): { labels: { kind: PlaceKind }; value: number }[] {
    const use = this.places.use();
    return PLACE_KINDS.map(kind => ({ labels: { kind }, value: read(use[kind]) }));
  }
}
