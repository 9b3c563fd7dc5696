import { CatalogView, ChangeFeed } from '@coordination/catalog';
import { Scheduler } from '@coordination/scheduling';
import { Injectable } from '@nestjs/common';
import { LogCatchUp } from './catch-up/log-catch-up.js';
import { ChangeFrames } from './sse/change-sse.js';
import { WatchBacklogs } from './watch-backlogs.js';
import { type WatchLimits } from './watch-limits.js';
import { WatchMetrics } from './watch-metrics.js';

/** What all watches of a node share, of which each one holds a single reference. */
@Injectable()
export class WatchContext {
  readonly frames = new ChangeFrames();

  constructor(
    readonly view: CatalogView,
    readonly feed: ChangeFeed,
    readonly catchUps: LogCatchUp,
    readonly metrics: WatchMetrics,
    readonly scheduler: Scheduler,
    readonly backlogs: WatchBacklogs,
  ) {}

  get limits(): WatchLimits {
    return this.backlogs.limits;
  }
}
