import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { HISTORY_EXAMPLES, HistoryListQuery, HistoryPageView, HistoryPath } from './history.schemas.js';
import { InstanceHistory, type InstanceVersion } from './instance-history.service.js';

/** What became of single instances. */
@ApiTags('Audit')
@Controller('api/v1/audit/instances')
export class HistoryController {
  constructor(private readonly history: InstanceHistory) {}

  @Get(':id/history')
  @Endpoint({
    summary: 'List the versions of an instance',
    description:
      'Every version of an instance that is retained, with who made it and what changed, as a JSON patch (RFC 6902). An instance that was deregistered keeps its history; one that takes its name later has an `id` and a history of its own.',
    operationId: 'listInstanceHistory',
    status: 200,
    response: HistoryPageView,
    responseHeaders: ['X-Catalog-Revision', 'X-Catalog-Epoch'],
    problems: ['INSTANCE_NOT_FOUND', 'INVALID_CURSOR', 'REVISION_UNKNOWN', 'REVISION_COMPACTED', 'STORE_UNAVAILABLE'],
    examples: { parameters: { id: HISTORY_EXAMPLES.id, order: 'desc' }, response: HISTORY_EXAMPLES.page },
  })
  async list(
    @Param({ schema: HistoryPath }) { id }: HistoryPath,
    @Query({ schema: HistoryListQuery }) { order, limit, cursor }: HistoryListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: InstanceVersion[]; nextCursor: string | null; oldestRevision: number }> {
    const { items, nextCursor, head, oldestRevision } = await this.history.list({ id, order, limit, cursor });
    void reply.headers({ 'x-catalog-revision': head.revision, 'x-catalog-epoch': head.epoch });
    return { items, nextCursor, oldestRevision };
  }
}
