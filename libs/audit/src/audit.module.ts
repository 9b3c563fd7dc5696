import { Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { LogModule } from '@coordination/log';
import { AuditController } from './events/audit.controller.js';
import { AuditQuery } from './events/audit-query.service.js';
import { EventPages } from './events/event-pages.js';
import { EventsController } from './events/events.controller.js';
import { EventExporter } from './events/event-export.service.js';
import { HeadAnchorJob } from './events/head-anchor.job.js';
import { HistoryController } from './history/history.controller.js';
import { InstanceHistory } from './history/instance-history.service.js';
import { eventPagesBound } from './kept-shares.js';
import { LongRequests } from './events/long-requests.js';

/** The API about the log: events, their export and verification, and the history of instances. */
@Module({
  imports: [LogModule],
  controllers: [EventsController, AuditController, HistoryController],
  providers: [
    settingsProvider(eventPagesBound),
    AuditQuery,
    EventPages,
    EventExporter,
    InstanceHistory,
    LongRequests,
    HeadAnchorJob,
  ],
  exports: [LogModule, AuditQuery],
})
export class AuditModule {}
