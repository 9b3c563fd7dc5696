import { Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { CatalogModule } from '@coordination/catalog';
import { LogModule } from '@coordination/log';
import { jsonBounds, listingsBound, pastBound } from '../kept-shares.js';
import { Listings } from '../listing/listings.js';
import { ViewAnswers } from '../responses/view-answers.js';
import { CatalogDiff } from './diff/catalog-diff.service.js';
import { ChangedInstances } from './diff/changed-instances.js';
import { DiffController } from './diff/diff.controller.js';
import { DiffPages } from './diff/diff-pages.js';
import { PastDiscovery } from './past-discovery.service.js';
import { PastAnswers } from './kept/past-answers.js';
import { PastInstances } from './past-instances.js';
import { PastListMaker } from './past-list-maker.js';
import { PastLists } from './past-lists.js';
import { PastPages } from './past-pages.js';
import { PastSearches } from './past-search.js';
import { PastServices } from './past-services.js';
import { RecentPast } from './recent/recent-past.js';

/** The catalog at past revisions, from the log. It needs `DatabaseModule`. */
@Module({
  imports: [CatalogModule, LogModule],
  controllers: [DiffController],
  providers: [
    settingsProvider(listingsBound),
    settingsProvider(jsonBounds),
    settingsProvider(pastBound),
    Listings,
    ViewAnswers,
    PastAnswers,
    RecentPast,
    PastInstances,
    PastServices,
    PastSearches,
    PastPages,
    PastListMaker,
    PastLists,
    PastDiscovery,
    ChangedInstances,
    DiffPages,
    CatalogDiff,
  ],
  exports: [PastDiscovery, Listings, ViewAnswers],
})
export class PastModule {}
