import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, type IfNoneMatch, IfNoneMatchHeader } from '@coordination/http';
import { type FastifyReply } from 'fastify';
import { ALL_NAMESPACES } from '../../api/discovery.schemas.js';
import { toSelection } from '../../filter/selection.schemas.js';
import { sendPast, sendUpToNow, hasTag, PAST_HEADERS, PAST_PROBLEMS } from '../past-response.js';
import { CatalogDiff } from './catalog-diff.service.js';
import { catalogDiff, DIFF_EXAMPLES, type DiffQuery, diffQuery } from './diff.schemas.js';

/** Comparing two revisions of the catalog. */
@ApiTags('Discovery')
@Controller('api/v1/discovery')
export class DiffController {
  constructor(private readonly diff: CatalogDiff) {}

  @Endpoint({
    status: 200,
    response: catalogDiff,
    responseHeaders: PAST_HEADERS,
    otherSuccesses: [{ status: 304, responseHeaders: PAST_HEADERS }],
    summary: 'Diff the catalog between two revisions',
    description:
      'The instances that were added, removed or changed between two revisions or times, by service: the net difference, without the changes in between. `status` defaults to `any`; with filters, an instance that enters the selection counts as added, one that leaves it as removed. An instance counts as changed when its spec, its override or its status differs.',
    work: 'heavy',
    operationId: 'diffCatalog',
    requestHeaders: ['If-None-Match'],
    problems: ['INVALID_FILTER', 'INVALID_CURSOR', 'STORE_UNAVAILABLE', ...PAST_PROBLEMS],
    examples: DIFF_EXAMPLES,
  })
  @Get('diff')
  async between(
    @Query({ schema: diffQuery }) query: DiffQuery,
    @IfNoneMatchHeader() ifNoneMatch: IfNoneMatch,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { from, to, namespace, service, limit, cursor, ...filters } = query;
    const scope = { namespace: namespace === ALL_NAMESPACES ? null : namespace, service: service ?? null };
    const request = { from, to, scope, selection: toSelection(filters, 'any'), limit, cursor };
    const found = await this.diff.find(request, hasTag(ifNoneMatch));
    const isSettled = to !== undefined || cursor !== undefined;
    (isSettled ? sendPast : sendUpToNow)(reply, found);
  }
}
