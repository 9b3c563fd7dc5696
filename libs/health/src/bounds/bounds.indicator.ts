import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { MemoryBudget } from '@coordination/scheduling';

/** What this node may take, and how much of it is taken. It is never down: a node at a bound still answers. */
@Injectable()
export class BoundsIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly memoryBudget: MemoryBudget,
  ) {}

  /** Degraded while the catalog is larger than the memory budget allows, or the heap is nearly full. */
  memory() {
    const { state, complaint } = this.memoryBudget;
    const indicator = this.health.check('memory');
    return complaint === undefined ? indicator.up({ ...state }) : indicator.degraded({ ...state, message: complaint });
  }
}
