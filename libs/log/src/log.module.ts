import { Module } from '@nestjs/common';
import { SETTINGS_TOKEN, type Settings } from '@coordination/config';
import { Databases, SchemaGate } from '@coordination/database';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { EpochLogRepository } from './epochs/epoch-log.repository.js';
import { EventSearchRepository } from './events/event-search.repository.js';
import { ServiceEventRepository } from './events/service-event.repository.js';
import { CatalogHeadRepository } from './head/catalog-head.repository.js';
import { primaryHead } from './head/primary-head.js';
import { ReadIndex } from './head/read-index.js';
import { LogPartitionRepository } from './partitions/log-partition.repository.js';
import { LogCutRepository } from './retention/log-cut.repository.js';
import { PartitionHeadroomJob } from './partitions/partition-headroom.job.js';
import { PartitionHeadroom, measurePartitionHeadroom } from './partitions/partition-headroom.js';
import { RevisionFinder } from './revisions/revision-finder.service.js';
import { ChainVerifier } from './verification/chain-verifier.service.js';

/** The ordered log of all changes, for those who append to it and those who read it. It needs `DatabaseModule`. */
@Module({
  providers: [
    { provide: CatalogHeadRepository, useFactory: () => new CatalogHeadRepository() },
    { provide: ServiceEventRepository, useFactory: () => new ServiceEventRepository() },
    { provide: EpochLogRepository, useFactory: () => new EpochLogRepository() },
    LogCutRepository,
    { provide: EventSearchRepository, useFactory: () => new EventSearchRepository() },
    {
      provide: ReadIndex,
      inject: [Databases, CatalogHeadRepository, SETTINGS_TOKEN],
      useFactory: (databases: Databases, heads: CatalogHeadRepository, settings: Settings) =>
        new ReadIndex(primaryHead(databases, heads, { isFenced: settings.PCS_STRONG_READ_FENCE })),
    },
    {
      provide: RevisionFinder,
      inject: [Databases, CatalogHeadRepository],
      useFactory: (databases: Databases, heads: CatalogHeadRepository) => new RevisionFinder(databases, heads),
    },
    {
      provide: ChainVerifier,
      inject: [Databases, EventSearchRepository, ServiceEventRepository, CatalogHeadRepository],
      useFactory: (
        databases: Databases,
        search: EventSearchRepository,
        events: ServiceEventRepository,
        heads: CatalogHeadRepository,
      ) => new ChainVerifier(databases, search, events, heads),
    },
    { provide: LogPartitionRepository, useFactory: () => new LogPartitionRepository() },
    {
      provide: PartitionHeadroom,
      inject: [Metrics],
      useFactory: (metrics: Metrics) => {
        const room = new PartitionHeadroom();
        measurePartitionHeadroom(metrics, room);
        return room;
      },
    },
    {
      provide: PartitionHeadroomJob,
      inject: [
        Databases,
        CatalogHeadRepository,
        ServiceEventRepository,
        LogPartitionRepository,
        PartitionHeadroom,
        BackgroundTasks,
        SchemaGate,
      ],
      useFactory: (
        databases: Databases,
        heads: CatalogHeadRepository,
        events: ServiceEventRepository,
        partitions: LogPartitionRepository,
        room: PartitionHeadroom,
        tasks: BackgroundTasks,
        gate: SchemaGate,
      ) => {
        const task = tasks.task('log-partitions');
        return new PartitionHeadroomJob({ databases, heads, events, partitions, room, task, ready: gate.opened });
      },
    },
  ],
  exports: [
    CatalogHeadRepository,
    ServiceEventRepository,
    EpochLogRepository,
    LogCutRepository,
    EventSearchRepository,
    ReadIndex,
    RevisionFinder,
    ChainVerifier,
    PartitionHeadroom,
  ],
})
export class LogModule {}
