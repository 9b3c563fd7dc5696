import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '@coordination/http';
import { INSTANCE_EXAMPLE } from '@coordination/catalog';
import { type FastifyReply } from 'fastify';
import { CATALOG_HEADERS, sendJson, setCatalogHeaders } from '../responses/catalog-response.js';
import { type ServiceParams, serviceParams } from '../api/discovery.schemas.js';
import { FRESHNESS_PROBLEMS, toConsistency } from '../freshness/read-consistency.js';
import { MemoryPlaces } from '../memory-places.js';
import { USABLE } from '../selection/selection.js';
import { GuardNoticeSlot, setGuardHeader } from '../responses/guard-notice.js';
import { resolvedInstance, type ResolveQuery, resolveQuery, toResolveRequest } from './resolve.schemas.js';
import { Resolver } from './resolver.js';

const URL_EXAMPLE = `${INSTANCE_EXAMPLE.scheme}://${INSTANCE_EXAMPLE.host}:${INSTANCE_EXAMPLE.port}`;

/** Reports that the instance was chosen without regard to health. */
const PANIC_HEADER = 'x-resolve-panic';

/** Choosing an instance to call. */
@ApiTags('Discovery')
@Controller('api/v1/discovery')
export class ResolveController {
  constructor(
    private readonly resolver: Resolver,
    private readonly guards: GuardNoticeSlot,
    private readonly places: MemoryPlaces,
  ) {}

  @Endpoint({
    status: 200,
    response: resolvedInstance,
    responseHeaders: [
      ...CATALOG_HEADERS.filter(name => name !== 'ETag'),
      'Cache-Control',
      'X-Resolve-Panic',
      'X-Liveness-Guard',
    ],
    summary: 'Choose one instance of a service to call',
    description:
      'One of the instances that the filters select; `status` defaults to `healthy,degraded`. Instances with weight 0 are chosen only when there are no others, degraded ones only when none is healthy. Each response may name another instance: resolve again for each call, or when a call has failed.',
    work: 'hot',
    operationId: 'resolveService',
    problems: ['INVALID_FILTER', 'NO_INSTANCE_AVAILABLE', 'OVERLOADED', 'STARTING', ...FRESHNESS_PROBLEMS],
    examples: {
      parameters: { service: 'orders', namespace: 'default', strategy: 'weighted', zone: 'eu-1a' },
      response: { url: URL_EXAMPLE, instance: INSTANCE_EXAMPLE },
    },
  })
  @Get('services/:service/resolve')
  async resolve(
    @Param({ schema: serviceParams }) { service }: ServiceParams,
    @Query({ schema: resolveQuery }) query: ResolveQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const consistency = toConsistency(query, reply.raw);
    const wanted = toResolveRequest(query, USABLE);
    const { catalog, body, isPanic } = await this.resolver.resolve(
      query.namespace,
      service,
      wanted,
      consistency,
      this.places,
    );
    setCatalogHeaders(reply, catalog);
    void reply.header('cache-control', 'no-store');
    setGuardHeader(reply, this.guards.of(query.namespace, service));
    if (isPanic) void reply.header(PANIC_HEADER, 'true');
    sendJson(reply, body);
  }
}
