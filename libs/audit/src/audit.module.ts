import { Module } from '@nestjs/common';
import { LogModule } from '@coordination/log';
import { AuditController } from './events/audit.controller.js';
import { AuditQuery } from './events/audit-query.service.js';
import { EventExporter } from './events/event-export.service.js';
import { HeadAnchorJob } from './events/head-anchor.job.js';
import { HistoryController } from './history/history.controller.js';
import { InstanceHistory } from './history/instance-history.service.js';
import { LongRequests } from './events/long-requests.js';

/** The API about the log: events, their export and verification, and the history of instances. */
@Module({
  imports: [LogModule],
  controllers: [AuditController, HistoryController],
  providers: [AuditQuery, EventExporter, InstanceHistory, LongRequests, HeadAnchorJob],
  exports: [LogModule, AuditQuery],
})
export class AuditModule {}
