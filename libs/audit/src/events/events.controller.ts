import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, POSITION_HEADERS, setPosition } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { assertReachedSpan, type LogEvent } from '@coordination/log';
import { AuditQuery } from './audit-query.service.js';
import { EXAMPLES } from './audit.examples.js';
import { DEFAULT_LIMIT, eventListQuery, type EventListQuery, eventParams, type EventParams } from './audit.schemas.js';
import { auditEventView, eventPageView } from './event.schemas.js';
import { EventPages, EVENTS_AS_JSON } from './event-pages.js';
import { filterOf } from './event-selection.js';
import { sendPage } from './page-response.js';

/** Reads single events of the log, and lists of them. */
@ApiTags('Audit')
@Controller('api/v1/audit')
export class EventsController {
  constructor(
    private readonly audit: AuditQuery,
    private readonly pages: EventPages,
  ) {}

  @Endpoint({
    summary: 'List events',
    description:
      'All changes to the catalog, newest first. An event must match all filters. A page may be shorter than `limit`, or empty, although there are more events, because it has at most 4 MiB and a search takes at most a few seconds: go on as long as there is a `nextCursor`.',
    work: 'heavy',
    operationId: 'listAuditEvents',
    status: 200,
    response: eventPageView,
    responseHeaders: POSITION_HEADERS,
    problems: ['INVALID_CURSOR', 'REVISION_UNKNOWN', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { parameters: { limit: 10 }, response: { items: [EXAMPLES.event], nextCursor: null } },
  })
  @Get('events')
  async list(@Query({ schema: eventListQuery }) query: EventListQuery, @Res() reply: FastifyReply): Promise<void> {
    const { order = 'desc', limit = DEFAULT_LIMIT, cursor, ...selection } = query;
    const filter = filterOf(selection);
    const page = await this.pages.find({ filter, order, limit, cursor }, EVENTS_AS_JSON);
    assertReachedSpan(filter, page.head);
    sendPage(reply, page);
  }

  @Endpoint({
    summary: 'Get one event',
    description: 'One change to the catalog, by its revision.',
    work: 'heavy',
    operationId: 'getAuditEvent',
    status: 200,
    response: auditEventView,
    responseHeaders: POSITION_HEADERS,
    problems: ['EVENT_NOT_FOUND', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { parameters: { revision: 1 }, response: EXAMPLES.event },
  })
  @Get('events/:revision')
  async get(
    @Param({ schema: eventParams }) { revision }: EventParams,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LogEvent> {
    const { event, head } = await this.audit.get(revision);
    setPosition(reply, head);
    return event;
  }
}
