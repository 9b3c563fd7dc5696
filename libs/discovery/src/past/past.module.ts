import { Module } from '@nestjs/common';
import { LogModule, RevisionFinder } from '@coordination/log';
import { Databases } from '@coordination/database';
import { Listings } from '../listing/listings.js';
import { CatalogDiff } from './diff/catalog-diff.service.js';
import { ChangedInstances } from './diff/changed-instances.js';
import { DiffController } from './diff/diff.controller.js';
import { DiffPages } from './diff/diff-pages.js';
import { pastDiscovery } from './past-discovery.js';
import { PastDiscovery } from './past-discovery.service.js';

/** The catalog as it was, from the log. It needs `DatabaseModule`. */
@Module({
  imports: [LogModule],
  controllers: [DiffController],
  providers: [
    { provide: Listings, useFactory: () => new Listings() },
    {
      provide: PastDiscovery,
      inject: [RevisionFinder, Databases, Listings],
      useFactory: (finder: RevisionFinder, databases: Databases, listings: Listings) =>
        pastDiscovery(databases, finder, { listings }),
    },
    {
      provide: CatalogDiff,
      inject: [RevisionFinder, Databases],
      useFactory: (finder: RevisionFinder, databases: Databases) =>
        new CatalogDiff(finder, new DiffPages(new ChangedInstances(databases))),
    },
  ],
  exports: [PastDiscovery, Listings],
})
export class PastModule {}
