import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { ServerConnections } from '@coordination/http';
import { MemoryBudget, PLACE_KINDS, WorkPlaces } from '@coordination/scheduling';

const MILLISECONDS = 1_000;

/** What this node may take, and how much of it is taken. It is never down: a node at a bound still answers. */
@Injectable()
export class BoundsIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly server: ServerConnections,
    private readonly places: WorkPlaces,
    private readonly memoryBudget: MemoryBudget,
  ) {}

  /** Degraded while no connection is idle at the maximum: then new callers are refused, and the open ones are served. */
  connections() {
    const { max, open, idle, crowded } = this.server.state;
    const counts = {
      open,
      idle,
      max,
      closedForNewOnes: crowded.closed.all + crowded.closed.address,
      refused: crowded.refused.all + crowded.refused.address,
    };
    const indicator = this.health.check('connections');
    if (open < max || idle > 0) return indicator.up(counts);
    return indicator.degraded({
      ...counts,
      message: 'The maximum of connections is open, and none of them is idle: new callers get 503 OVERLOADED.',
    });
  }

  /** Places and lines of heavy work. A full line is no fault of the node: other requests are answered as usual. */
  work() {
    const use = this.places.use();
    const kinds = PLACE_KINDS.map(kind => {
      const { refused, longestWaitSeconds, ...counts } = use[kind];
      const shown = {
        ...counts,
        longestWaitSeconds: Math.round(longestWaitSeconds * MILLISECONDS) / MILLISECONDS,
        refused: { lineFull: refused.line_full, waitedTooLong: refused.waited_too_long },
      };
      return [kind, shown] as const;
    });
    return this.health.check('work').up(Object.fromEntries(kinds));
  }

  /** Degraded while the catalog is larger than the memory budget allows, or the heap is nearly full. */
  memory() {
    const { state, complaint } = this.memoryBudget;
    const indicator = this.health.check('memory');
    return complaint === undefined ? indicator.up({ ...state }) : indicator.degraded({ ...state, message: complaint });
  }
}
