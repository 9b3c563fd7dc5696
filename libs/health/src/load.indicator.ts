import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { ServerConnections } from '@coordination/http';
import { PLACE_KINDS, WorkPlaces } from '@coordination/scheduling';

const MILLISECONDS = 1_000;

/** The bounds of what this node serves at once, and how far they are reached. It is never down: overload is no reason to get no requests. */
@Injectable()
export class LoadIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly server: ServerConnections,
    private readonly places: WorkPlaces,
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
}
