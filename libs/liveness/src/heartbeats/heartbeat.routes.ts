import { Param, Put, Query, Res } from '@nestjs/common';
import { Endpoint, POSITION_HEADERS, setPosition } from '@coordination/http';
import { type ErrorCode } from '@coordination/kernel';
import { type IncarnationQuery, type InstanceNaming } from '@coordination/registry';
import { type FastifyReply } from 'fastify';
import { type HeartbeatsService } from './heartbeats.service.js';

/** Error codes that any renewal may return. */
export const RENEWAL_PROBLEMS = [
  'QUEUE_FULL',
  'STORE_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'STALE_VIEW',
  'STARTING',
] as const satisfies ErrorCode[];

/** The heartbeat of one instance. It is the same by id and by name. */
export function heartbeatRoutes<P, Q>({ params, callerQuery, target, suffix, by, example }: InstanceNaming<P, Q>) {
  class HeartbeatRoutes {
    constructor(private readonly heartbeats: HeartbeatsService) {}

    @Endpoint({
      status: 204,
      responseHeaders: POSITION_HEADERS,
      summary: `Renew the lease of an instance${by}`,
      description:
        'Renews the lease. The renewal is in the database within a second. It makes no revision, unless it heals the instance. 404 means that the caller must register again, 409 that another process has registered under its name.',
      work: 'liveness',
      operationId: `renewLease${suffix}`,
      problems: ['INSTANCE_NOT_FOUND', 'INCARNATION_ENDED', ...RENEWAL_PROBLEMS],
      examples: { parameters: example },
    })
    @Put('heartbeat')
    async renew(
      @Param({ schema: params }) path: P,
      @Query({ schema: callerQuery }) query: Q & IncarnationQuery,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<void> {
      setPosition(reply, await this.heartbeats.renew(target(path, query), query.incarnation));
    }
  }
  return HeartbeatRoutes;
}
