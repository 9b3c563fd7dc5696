import { Injectable } from '@nestjs/common';
import { type HealthIndicatorFunction } from '@nestjs/terminus';
import { BoundsIndicator } from './bounds/bounds.indicator.js';
import { CatalogIndicator } from './catalog.indicator.js';
import { DatabaseIndicator } from './database.indicator.js';
import { LivenessIndicator } from './liveness.indicator.js';
import { NodeIndicator } from './node.indicator.js';

/** The parts of the report for people, in its order. */
@Injectable()
export class HealthParts {
  constructor(
    private readonly catalog: CatalogIndicator,
    private readonly database: DatabaseIndicator,
    private readonly liveness: LivenessIndicator,
    private readonly node: NodeIndicator,
    private readonly bounds: BoundsIndicator,
  ) {}

  all(): HealthIndicatorFunction[] {
    return [
      () => this.database.reachable(),
      () => this.database.migrated(),
      () => this.database.permitted(),
      () => this.catalog.readable(),
      () => this.catalog.room(),
      () => this.liveness.guarded(),
      () => this.node.named(),
      () => this.node.tasks(),
      () => this.node.writer(),
      () => this.bounds.connections(),
      () => this.bounds.work(),
      () => this.bounds.memory(),
      () => this.node.process(),
    ];
  }
}
