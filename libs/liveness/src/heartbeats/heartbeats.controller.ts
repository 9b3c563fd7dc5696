import { Body, Controller, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  Endpoint,
  LARGE_BODY_LIMIT_BYTES,
  POSITION_HEADERS,
  setPosition,
  type SuccessOptions,
} from '@coordination/http';
import { type ErrorCode } from '@coordination/kernel';
import {
  BY_ID,
  BY_NAME,
  type IdParams,
  type IncarnationQuery,
  type NameParams,
  type NamespaceQuery,
  toNamedInstances,
} from '@coordination/registry';
import { type FastifyReply } from 'fastify';
import { renewalResult, type RenewLeases, renewLeases } from './heartbeat.schemas.js';
import { HeartbeatsService } from './heartbeats.service.js';

const RENEWED = { status: 204, responseHeaders: POSITION_HEADERS } as const satisfies SuccessOptions;

const PROBLEMS = [
  'QUEUE_FULL',
  'STORE_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'STALE_VIEW',
  'STARTING',
] as const satisfies ErrorCode[];

const DESCRIPTION =
  'Renews the lease. The renewal is in the database within a second. It makes no revision, unless it heals the instance. 404 means that the caller must register again, 409 that another process has registered under its name.';

/** Heartbeats of instances. */
@ApiTags('Registry')
@Controller('api/v1/registry')
export class HeartbeatsController {
  constructor(private readonly heartbeats: HeartbeatsService) {}

  @Endpoint({
    ...RENEWED,
    summary: 'Renew a lease',
    description: DESCRIPTION,
    operationId: 'renewLease',
    problems: ['INSTANCE_NOT_FOUND', 'INCARNATION_ENDED', ...PROBLEMS],
    examples: { parameters: BY_ID.example },
  })
  @Put('instances/:id/heartbeat')
  async renew(
    @Param({ schema: BY_ID.params }) params: IdParams,
    @Query({ schema: BY_ID.callerQuery }) { incarnation }: IncarnationQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    setPosition(reply, await this.heartbeats.renew(params, incarnation));
  }

  @Endpoint({
    ...RENEWED,
    summary: 'Renew a lease by the instance’s own name',
    description: DESCRIPTION,
    operationId: 'renewLeaseByName',
    problems: ['INSTANCE_NOT_FOUND', 'INCARNATION_ENDED', ...PROBLEMS],
    examples: { parameters: BY_NAME.example },
  })
  @Put('services/:service/instances/:instanceId/heartbeat')
  async renewByName(
    @Param({ schema: BY_NAME.params }) name: NameParams,
    @Query({ schema: BY_NAME.callerQuery }) query: NamespaceQuery & IncarnationQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    setPosition(reply, await this.heartbeats.renew(BY_NAME.target(name, query), query.incarnation));
  }

  @Endpoint({
    status: 200,
    response: renewalResult,
    responseHeaders: POSITION_HEADERS,
    summary: 'Renew many leases',
    description: 'One request for up to 5,000 instances, for agents that renew the leases of many instances.',
    operationId: 'renewLeases',
    bodyLimitBytes: LARGE_BODY_LIMIT_BYTES,
    problems: [...PROBLEMS],
    examples: { body: { ids: [BY_ID.example['id']] }, response: { renewed: 1, notFound: [] } },
  })
  @Post('heartbeats')
  async renewMany(@Body({ schema: renewLeases }) body: RenewLeases, @Res({ passthrough: true }) reply: FastifyReply) {
    const { renewed, notFound, incarnationEnded, ...position } = await this.heartbeats.renewMany(
      toNamedInstances(body),
    );
    setPosition(reply, position);
    return { renewed, notFound, ...(incarnationEnded.length > 0 && { incarnationEnded }) };
  }
}
