import { Module } from '@nestjs/common';
import { Databases, SchemaGate } from '@coordination/database';
import { BackgroundTasks } from '@coordination/observability';
import { CatalogHeadRepository, EventSearchRepository, LogModule } from '@coordination/log';
import { AuditController } from './events/audit.controller.js';
import { AuditQuery } from './events/audit-query.service.js';
import { EventExporter } from './events/event-export.service.js';
import { HeadAnchorJob } from './events/head-anchor.job.js';
import { HistoryController } from './history/history.controller.js';
import { InstanceHistory } from './history/instance-history.service.js';
import { LongRequests } from './events/long-requests.js';

/** Exports and verifications that one node does at once; each takes one of its connections for reads at times. */
const MAX_LONG_REQUESTS = 4;

/** The API about the log: events, their export and verification, and the history of instances. */
@Module({
  imports: [LogModule],
  controllers: [AuditController, HistoryController],
  providers: [
    { provide: LongRequests, useFactory: () => new LongRequests(MAX_LONG_REQUESTS) },
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
      provide: EventExporter,
      inject: [Databases, EventSearchRepository, CatalogHeadRepository],
      useFactory: (databases: Databases, search: EventSearchRepository, heads: CatalogHeadRepository) =>
        new EventExporter(databases, search, heads),
    },
    {
      provide: HeadAnchorJob,
      inject: [AuditQuery, BackgroundTasks, SchemaGate],
      useFactory: (audit: AuditQuery, tasks: BackgroundTasks, gate: SchemaGate) =>
        new HeadAnchorJob({ readHead: () => audit.head(), task: tasks.task('head-anchor'), ready: gate.opened }),
    },
  ],
  exports: [LogModule, AuditQuery],
})
export class AuditModule {}
