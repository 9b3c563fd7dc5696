import { Module } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { Databases, SchemaGate } from '@coordination/database';
import { BackgroundTasks, Metrics } from '@coordination/observability';
import { AuditController } from './events/audit.controller.js';
import { AuditQuery } from './events/audit-query.service.js';
import { CatalogHeadRepository } from '@coordination/log';
import { ChainVerifier } from '@coordination/log';
import { EpochLogRepository } from '@coordination/log';
import { EventExporter } from './events/event-export.service.js';
import { EventSearchRepository } from '@coordination/log';
import { HeadAnchorJob } from './events/head-anchor.job.js';
import { HistoryController } from './history/history.controller.js';
import { InstanceHistory } from './history/instance-history.service.js';
import { LongRequests } from './events/long-requests.js';
import { LogPartitionRepository } from '@coordination/log';
import { LogRoomJob } from '@coordination/log';
import { LogRoom, measureLogRoom } from '@coordination/log';
import { primaryHead } from '@coordination/log';
import { ReadIndex } from '@coordination/log';
import { RevisionFinder } from '@coordination/log';
import { ServiceEventRepository } from '@coordination/log';

/** Exports and verifications that one node does at once; each takes one of its connections for reads at times. */
const MAX_LONG_REQUESTS = 4;

/** The log: its repositories for those who write it, and its API. It needs `DatabaseModule`. */
@Module({
  controllers: [AuditController, HistoryController],
  providers: [
    { provide: CatalogHeadRepository, useFactory: () => new CatalogHeadRepository() },
    { provide: ServiceEventRepository, useFactory: () => new ServiceEventRepository() },
    { provide: EpochLogRepository, useFactory: () => new EpochLogRepository() },
    { provide: EventSearchRepository, useFactory: () => new EventSearchRepository() },
    { provide: LongRequests, useFactory: () => new LongRequests(MAX_LONG_REQUESTS) },
    {
      provide: ReadIndex,
      inject: [Databases, CatalogHeadRepository, SETTINGS_TOKEN],
      useFactory: (databases: Databases, heads: CatalogHeadRepository, settings: Settings) =>
        new ReadIndex(primaryHead(databases, heads, { isFenced: settings.PCS_STRONG_READ_FENCE })),
    },
    {
      provide: AuditQuery,
      inject: [Databases, EventSearchRepository, CatalogHeadRepository],
      useFactory: (databases: Databases, search: EventSearchRepository, heads: CatalogHeadRepository) =>
        new AuditQuery(databases, search, heads),
    },
    {
      provide: InstanceHistory,
      inject: [AuditQuery],
      useFactory: (audit: AuditQuery) => new InstanceHistory(audit),
    },
    {
      provide: RevisionFinder,
      inject: [Databases, CatalogHeadRepository],
      useFactory: (databases: Databases, heads: CatalogHeadRepository) => new RevisionFinder(databases, heads),
    },
    {
      provide: EventExporter,
      inject: [Databases, EventSearchRepository, CatalogHeadRepository],
      useFactory: (databases: Databases, search: EventSearchRepository, heads: CatalogHeadRepository) =>
        new EventExporter(databases, search, heads),
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
    {
      provide: HeadAnchorJob,
      inject: [AuditQuery, BackgroundTasks, SchemaGate],
      useFactory: (audit: AuditQuery, tasks: BackgroundTasks, gate: SchemaGate) =>
        new HeadAnchorJob({ readHead: () => audit.head(), task: tasks.task('head-anchor'), ready: gate.opened }),
    },
    { provide: LogPartitionRepository, useFactory: () => new LogPartitionRepository() },
    {
      provide: LogRoom,
      inject: [Metrics],
      useFactory: (metrics: Metrics) => {
        const room = new LogRoom();
        measureLogRoom(metrics, room);
        return room;
      },
    },
    {
      provide: LogRoomJob,
      inject: [
        Databases,
        CatalogHeadRepository,
        ServiceEventRepository,
        LogPartitionRepository,
        LogRoom,
        BackgroundTasks,
        SchemaGate,
      ],
      useFactory: (
        databases: Databases,
        heads: CatalogHeadRepository,
        events: ServiceEventRepository,
        partitions: LogPartitionRepository,
        room: LogRoom,
        tasks: BackgroundTasks,
        gate: SchemaGate,
      ) => {
        const task = tasks.task('log-partitions');
        return new LogRoomJob({ databases, heads, events, partitions, room, task, ready: gate.opened });
      },
    },
  ],
  exports: [
    CatalogHeadRepository,
    EpochLogRepository,
    ServiceEventRepository,
    ReadIndex,
    RevisionFinder,
    AuditQuery,
    LogRoom,
  ],
})
export class AuditModule {}
