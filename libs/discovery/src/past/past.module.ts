import { Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { LogModule } from '@coordination/log';
import { listingsBound } from '../kept-shares.js';
import { Listings } from '../listing/listings.js';
import { CatalogDiff } from './diff/catalog-diff.service.js';
import { ChangedInstances } from './diff/changed-instances.js';
import { DiffController } from './diff/diff.controller.js';
import { DiffPages } from './diff/diff-pages.js';
import { PastDiscovery } from './past-discovery.service.js';
import { PastInstances } from './past-instances.js';
import { PastPages } from './past-pages.js';
import { PastSearches } from './past-search.js';
import { PastServices } from './past-services.js';

/** The catalog at past revisions, from the log. It needs `DatabaseModule`. */
@Module({
  imports: [LogModule],
  controllers: [DiffController],
  providers: [
    settingsProvider(listingsBound),
    Listings,
    PastInstances,
    PastServices,
    PastSearches,
    PastPages,
    PastDiscovery,
    ChangedInstances,
    DiffPages,
    CatalogDiff,
  ],
  exports: [PastDiscovery, Listings],
})
export class PastModule {}
