import { Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { EpochLogRepository } from './epochs/epoch-log.repository.js';
import { EventSearchRepository } from './events/event-search.repository.js';
import { ServiceEventRepository } from './events/service-event.repository.js';
import { CatalogHeadRepository } from './head/catalog-head.repository.js';
import { headFence, PrimaryHead } from './head/primary-head.js';
import { ReadIndex } from './head/read-index.js';
import { LogPartitionRepository } from './partitions/log-partition.repository.js';
import { PartitionHeadroomJob } from './partitions/partition-headroom.job.js';
import { PartitionHeadroom } from './partitions/partition-headroom.js';
import { PartitionMaintenance } from './partitions/partition-maintenance.js';
import { LogCutRepository } from './retention/log-cut.repository.js';
import { RevisionFinder } from './revisions/revision-finder.service.js';
import { ChainVerifier } from './verification/chain-verifier.service.js';

/** What the libraries above read the log with, and append to it. */
const API = [
  CatalogHeadRepository,
  ServiceEventRepository,
  EventSearchRepository,
  EpochLogRepository,
  LogCutRepository,
  ReadIndex,
  RevisionFinder,
  ChainVerifier,
  PartitionHeadroom,
];

/** The ordered log of all changes. It needs `DatabaseModule`. */
@Module({
  providers: [
    settingsProvider(headFence),
    ...API,
    PrimaryHead,
    LogPartitionRepository,
    PartitionMaintenance,
    PartitionHeadroomJob,
  ],
  exports: API,
})
export class LogModule {}
