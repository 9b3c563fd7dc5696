import { Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { LogModule } from '@coordination/log';
import { ChangeFeed, feedLimits } from './changes/change-feed.js';
import { ConfirmationWait, confirmationLimit } from './epochs/confirmation-wait.js';
import { EpochManager } from './epochs/epoch-manager.js';
import { HistoryCheck } from './epochs/history-check.js';
import { CatalogFollower, pollInterval } from './follow/catalog-follower.js';
import { CatalogLoader } from './follow/catalog-loader.js';
import { ChangeNotifications, notificationSettings } from './follow/change-notifications.js';
import { LogReader } from './follow/log-reader.js';
import { ViewLifecycle } from './follow/view-lifecycle.service.js';
import { ViewUpdater } from './follow/view-updater.js';
import { CatalogSizeJob } from './memory/catalog-size.job.js';
import { CatalogView, stalenessLimit } from './view/catalog-view.js';
import { LocalCatalog } from './view/local-catalog.js';
import { ReadBarrier } from './view/read-barrier.js';

/** The catalog in the memory of this node, which follows the log. It needs `DatabaseModule`. */
@Module({
  imports: [LogModule],
  providers: [
    settingsProvider(stalenessLimit),
    settingsProvider(feedLimits),
    settingsProvider(confirmationLimit),
    settingsProvider(pollInterval),
    settingsProvider(notificationSettings),
    CatalogView,
    ChangeFeed,
    LocalCatalog,
    HistoryCheck,
    EpochManager,
    ConfirmationWait,
    CatalogLoader,
    LogReader,
    ViewUpdater,
    CatalogFollower,
    ChangeNotifications,
    ViewLifecycle,
    ReadBarrier,
    CatalogSizeJob,
  ],
  exports: [LogModule, CatalogView, ChangeFeed, LocalCatalog, HistoryCheck, ReadBarrier],
})
export class CatalogModule {}
