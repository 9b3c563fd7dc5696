import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, type SuccessOptions } from '@coordination/http';
import { type ErrorCode } from '@coordination/kernel';
import { type FastifyReply } from 'fastify';
import {
  HISTORY_EXAMPLES,
  HistoryListQuery,
  HistoryPageView,
  HistoryPath,
  NamedHistoryListQuery,
  NamedHistoryPath,
} from './history.schemas.js';
import { type HistoryQuery, InstanceHistory, type InstanceVersion } from './instance-history.service.js';

const SUCCESS = {
  status: 200,
  response: HistoryPageView,
  responseHeaders: ['X-Catalog-Revision', 'X-Catalog-Epoch'],
} as const satisfies SuccessOptions;

const PROBLEMS = [
  'INSTANCE_NOT_FOUND',
  'INVALID_CURSOR',
  'REVISION_UNKNOWN',
  'REVISION_COMPACTED',
  'STORE_UNAVAILABLE',
] as const satisfies ErrorCode[];

/** What became of single instances. */
@ApiTags('Audit')
@Controller('api/v1/audit')
export class HistoryController {
  constructor(private readonly history: InstanceHistory) {}

  @Get('instances/:id/history')
  @Endpoint({
    ...SUCCESS,
    summary: 'List the versions of an instance',
    description:
      'Every version of an instance that is retained, with who made it and what changed, as a JSON patch (RFC 6902). An instance that was deregistered keeps its history; one that takes its name later has an `id` and a history of its own.',
    operationId: 'listInstanceHistory',
    problems: [...PROBLEMS],
    examples: { parameters: { id: HISTORY_EXAMPLES.id, order: 'desc' }, response: HISTORY_EXAMPLES.page },
  })
  async list(
    @Param({ schema: HistoryPath }) { id }: HistoryPath,
    @Query({ schema: HistoryListQuery }) { order, limit, cursor }: HistoryListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: InstanceVersion[]; nextCursor: string | null; oldestRevision: number }> {
    return await this.answer({ id, order, limit, cursor }, reply);
  }

  @Get('services/:service/instances/:instanceId/history')
  @Endpoint({
    ...SUCCESS,
    summary: 'List the versions of all instances that ever had a name',
    description:
      'Every version that is retained of whoever was registered under a name, one instance after another: each registration after a deregistration has a new `instanceUuid`. What is gone is told as long as the log has it, whether or not somebody has the name now.',
    operationId: 'listInstanceHistoryByName',
    problems: [...PROBLEMS],
    examples: { parameters: HISTORY_EXAMPLES.name, response: HISTORY_EXAMPLES.page },
  })
  async listByName(
    @Param({ schema: NamedHistoryPath }) { service, instanceId }: NamedHistoryPath,
    @Query({ schema: NamedHistoryListQuery }) { namespace, ...page }: NamedHistoryListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: InstanceVersion[]; nextCursor: string | null; oldestRevision: number }> {
    const { order, limit, cursor } = page;
    return await this.answer({ name: { namespace, service, instanceId }, order, limit, cursor }, reply);
  }

  private async answer(asked: HistoryQuery, reply: FastifyReply) {
    const { items, nextCursor, head, oldestRevision } = await this.history.list(asked);
    void reply.headers({ 'x-catalog-revision': head.revision, 'x-catalog-epoch': head.epoch });
    return { items, nextCursor, oldestRevision };
  }
}
