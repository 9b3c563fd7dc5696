import { Module } from '@nestjs/common';
import { CatalogModule } from '@coordination/catalog';
import { settingsProvider } from '@coordination/config';
import { logPagesBound } from '../kept-shares.js';
import { LogCatchUp } from './catch-up/log-catch-up.js';
import { LogPages } from './catch-up/log-pages.js';
import { LogSegmentReader } from './catch-up/log-segment-reader.js';
import { WatchBacklogs } from './watch-backlogs.js';
import { WatchContext } from './watch-context.js';
import { watchLimits } from './watch-limits.js';
import { WatchMetrics } from './watch-metrics.js';
import { Watches } from './watches.service.js';

/** The watches of this node. It needs `DatabaseModule`, `HttpModule` and `SendingModule`. */
@Module({
  imports: [CatalogModule],
  providers: [
    settingsProvider(watchLimits),
    settingsProvider(logPagesBound),
    LogSegmentReader,
    LogPages,
    LogCatchUp,
    WatchMetrics,
    WatchBacklogs,
    WatchContext,
    Watches,
  ],
  exports: [Watches],
})
export class WatchModule {}
