import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, POSITION_HEADERS, type SuccessOptions } from '@coordination/http';
import { type ErrorCode } from '@coordination/kernel';
import { type FastifyReply } from 'fastify';
import { sendPage } from '../events/page-response.js';
import {
  HISTORY_EXAMPLES,
  historyPageView,
  historyParams,
  type HistoryParams,
  historyQuery,
  type HistoryQuery,
  namedHistoryParams,
  type NamedHistoryParams,
  namedHistoryQuery,
  type NamedHistoryQuery,
} from './history.schemas.js';
import { type HistoryRequest, InstanceHistory } from './instance-history.service.js';

const SUCCESS = {
  status: 200,
  response: historyPageView,
  responseHeaders: POSITION_HEADERS,
} as const satisfies SuccessOptions;

const PROBLEMS = [
  'INSTANCE_NOT_FOUND',
  'INVALID_CURSOR',
  'REVISION_UNKNOWN',
  'REVISION_COMPACTED',
  'STORE_UNAVAILABLE',
] as const satisfies ErrorCode[];

/** Reads the history of single instances. */
@ApiTags('Audit')
@Controller('api/v1/audit')
export class HistoryController {
  constructor(private readonly history: InstanceHistory) {}

  @Endpoint({
    ...SUCCESS,
    summary: 'List the versions of an instance',
    description:
      'All retained versions of an instance, each with its caller and with what changed, as a JSON patch (RFC 6902). A removed instance keeps its history; an instance that is registered under its name later has its own `id` and history.',
    work: 'heavy',
    operationId: 'listInstanceHistory',
    problems: [...PROBLEMS],
    examples: { parameters: { id: HISTORY_EXAMPLES.id, order: 'desc' }, response: HISTORY_EXAMPLES.page },
  })
  @Get('instances/:id/history')
  async list(
    @Param({ schema: historyParams }) { id }: HistoryParams,
    @Query({ schema: historyQuery }) { order, limit, cursor }: HistoryQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.respond({ id, order, limit, cursor }, reply);
  }

  @Endpoint({
    ...SUCCESS,
    summary: 'List the versions of all instances that ever had a name',
    description:
      'All retained versions of all instances that were ever registered under a name, in order: each registration after a removal begins an instance with a new `instanceUuid`. Removed instances are included as long as the log has their events, whether or not an instance has the name now.',
    work: 'heavy',
    operationId: 'listInstanceHistoryByName',
    problems: [...PROBLEMS],
    examples: { parameters: HISTORY_EXAMPLES.name, response: HISTORY_EXAMPLES.page },
  })
  @Get('services/:service/instances/:instanceId/history')
  async listByName(
    @Param({ schema: namedHistoryParams }) { service, instanceId }: NamedHistoryParams,
    @Query({ schema: namedHistoryQuery }) { namespace, order, limit, cursor }: NamedHistoryQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.respond({ name: { namespace, service, instanceId }, order, limit, cursor }, reply);
  }

  private async respond(request: HistoryRequest, reply: FastifyReply): Promise<void> {
    sendPage(reply, await this.history.list(request));
  }
}
