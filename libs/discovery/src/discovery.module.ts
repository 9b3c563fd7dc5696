import { Module } from '@nestjs/common';
import { CatalogModule } from '@coordination/catalog';
import { settingsProvider } from '@coordination/config';
import { DiscoveryController } from './discovery.controller.js';
import { DiscoveryService } from './discovery.service.js';
import { FreshReads } from './freshness/fresh-reads.js';
import { longPollLimit, LongPolls } from './freshness/long-polls.js';
import { resolveBound } from './kept-shares.js';
import { MemoryPlaces } from './memory-places.js';
import { ParsedRequestCache } from './parsed-request-cache.js';
import { PastModule } from './past/past.module.js';
import { ResolveController } from './resolve/resolve.controller.js';
import { Resolver } from './resolve/resolver.js';
import { GuardNoticeSlot } from './responses/guard-notice.js';
import { CatalogSearches } from './search/catalog-searches.js';
import { FilteredServices } from './search/filtered-services.js';
import { InstancePicker } from './search/instance-picker.js';
import { InstanceOrders } from './search/orders/instance-orders.js';
import { WatchController } from './watch/watch.controller.js';
import { WatchModule } from './watch/watch.module.js';

/** The read side of the catalog. It needs `DatabaseModule`. */
@Module({
  imports: [CatalogModule, PastModule, WatchModule],
  controllers: [DiscoveryController, ResolveController, WatchController],
  providers: [
    settingsProvider(longPollLimit),
    settingsProvider(resolveBound),
    LongPolls,
    FreshReads,
    MemoryPlaces,
    InstanceOrders,
    CatalogSearches,
    FilteredServices,
    DiscoveryService,
    ParsedRequestCache,
    Resolver,
    InstancePicker,
    GuardNoticeSlot,
  ],
  exports: [CatalogModule, DiscoveryService, GuardNoticeSlot, InstancePicker],
})
export class DiscoveryModule {}
