import { Body, Controller, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, LARGE_BODY_LIMIT_BYTES, POSITION_HEADERS, RequestPlaces, setPosition } from '@coordination/http';
import { BY_ID, BY_NAME, toNamedInstances } from '@coordination/registry';
import { type FastifyReply } from 'fastify';
import { heartbeatRoutes, RENEWAL_PROBLEMS } from './heartbeat.routes.js';
import { renewalResult, type RenewLeases, renewLeases } from './heartbeat.schemas.js';
import { HeartbeatsService } from './heartbeats.service.js';

/** Heartbeats of single instances, by id. */
@ApiTags('Registry')
@Controller('api/v1/registry/instances/:id')
export class HeartbeatController extends heartbeatRoutes(BY_ID) {
  constructor(heartbeats: HeartbeatsService) {
    super(heartbeats);
  }
}

/** Heartbeats of single instances, by name. */
@ApiTags('Registry')
@Controller('api/v1/registry/services/:service/instances/:instanceId')
export class NamedHeartbeatController extends heartbeatRoutes(BY_NAME) {
  constructor(heartbeats: HeartbeatsService) {
    super(heartbeats);
  }
}

/** Heartbeats of many instances. */
@ApiTags('Registry')
@Controller('api/v1/registry/heartbeats')
export class HeartbeatsController {
  constructor(
    private readonly heartbeats: HeartbeatsService,
    private readonly places: RequestPlaces,
  ) {}

  @Endpoint({
    status: 200,
    response: renewalResult,
    responseHeaders: POSITION_HEADERS,
    summary: 'Renew many leases',
    description: 'One request for up to 5,000 instances, for agents that renew the leases of many instances.',
    work: 'liveness',
    operationId: 'renewLeases',
    bodyLimitBytes: LARGE_BODY_LIMIT_BYTES,
    problems: [...RENEWAL_PROBLEMS],
    examples: { body: { ids: [BY_ID.example['id']] }, response: { renewed: 1, notFound: [] } },
  })
  @Post()
  async renewMany(@Body({ schema: renewLeases }) body: RenewLeases, @Res({ passthrough: true }) reply: FastifyReply) {
    const named = toNamedInstances(body);
    this.places.leave();
    const { renewed, notFound, incarnationEnded, ...position } = await this.heartbeats.renewMany(named);
    setPosition(reply, position);
    return { renewed, notFound, ...(incarnationEnded.length > 0 && { incarnationEnded }) };
  }
}
