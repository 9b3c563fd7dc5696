import { Module } from '@nestjs/common';
import { CatalogModule } from '@coordination/catalog';
import { settingsProvider } from '@coordination/config';
import { DiscoveryController } from './discovery.controller.js';
import { DiscoveryService } from './discovery.service.js';
import { FreshReads } from './freshness/fresh-reads.js';
import { longPollLimit, LongPolls } from './freshness/long-polls.js';
import { ParsedRequestCache } from './parsed-request-cache.js';
import { PastModule } from './past/past.module.js';
import { ResolveController } from './resolve/resolve.controller.js';
import { Resolver } from './resolve/resolver.js';
import { GuardNoticeSlot } from './responses/guard-notice.js';
import { ViewAnswers } from './responses/view-answers.js';
import { CatalogSearchRepository } from './search/catalog-search.repository.js';
import { InstancePicker } from './search/instance-picker.js';
import { WatchController } from './watch/watch.controller.js';
import { WatchModule } from './watch/watch.module.js';

/** The read side of the catalog. It needs `DatabaseModule`. */
@Module({
  imports: [CatalogModule, PastModule, WatchModule],
  controllers: [DiscoveryController, ResolveController, WatchController],
  providers: [
    settingsProvider(longPollLimit),
    LongPolls,
    FreshReads,
    CatalogSearchRepository,
    ViewAnswers,
    DiscoveryService,
    ParsedRequestCache,
    Resolver,
    InstancePicker,
    GuardNoticeSlot,
  ],
  exports: [CatalogModule, DiscoveryService, GuardNoticeSlot, InstancePicker],
})
export class DiscoveryModule {}
