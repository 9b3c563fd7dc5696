import { Body, Controller, Get, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, POSITION_HEADERS, setPosition } from '@coordination/http';
import { WRITE_PROBLEMS } from '@coordination/registry';
import { type FastifyReply } from 'fastify';
import { GuardAdminService } from './guard-admin.service.js';
import { GUARD_COMMAND_EXAMPLE, GUARD_RESULT_EXAMPLE, LIVENESS_EXAMPLE } from './liveness.examples.js';
import { LivenessReport } from './liveness-report.service.js';
import { type GuardCommand, guardCommand, guardResult, livenessView } from './liveness.schemas.js';

/** The liveness overview, and operators' commands to guards. */
@ApiTags('Liveness')
@Controller('api/v1/liveness')
export class LivenessController {
  constructor(
    private readonly report: LivenessReport,
    private readonly guards: GuardAdminService,
  ) {}

  @Endpoint({
    status: 200,
    response: livenessView,
    responseHeaders: ['Cache-Control'],
    summary: 'Get the liveness overview',
    description:
      'Leases by state, the node that ends them, active guards with their counts, and the nodes of the service. It counts all leases in the database, so request it a few times a minute at most, for people and alarms; metrics cost less.',
    work: 'heavy',
    operationId: 'getLivenessOverview',
    problems: ['STORE_UNAVAILABLE'],
    examples: { response: LIVENESS_EXAMPLE },
  })
  @Get()
  async overview(@Res({ passthrough: true }) reply: FastifyReply) {
    void reply.header('cache-control', 'no-store');
    return await this.report.read();
  }

  @Endpoint({
    status: 200,
    response: guardResult,
    responseHeaders: POSITION_HEADERS,
    summary: 'End or force a guard',
    description:
      'Operator override of the guard of one service or of all services, with a reason. It is an event of the log, and takes effect within about a second. `end` ends the guard, so that expired leases end, and no guard holds the scope again for the length of the window; for `all` it also ends the longer time of leases after an outage of the database. `force` prevents the end of all leases of the scope until a time. The latest override of a scope counts.',
    work: 'write',
    operationId: 'orderGuard',
    requestHeaders: ['X-Change-Reason', 'Idempotency-Key'],
    problems: [...WRITE_PROBLEMS, 'STARTING', 'STALE_VIEW'],
    examples: { body: GUARD_COMMAND_EXAMPLE, response: GUARD_RESULT_EXAMPLE },
  })
  @Post('guard')
  async orderGuard(
    @Body({ schema: guardCommand }) body: GuardCommand,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { revision, epoch, scope, until } = await this.guards.carryOut(body);
    setPosition(reply, { revision, epoch });
    return { revision, action: body.action, scope, until, reason: body.reason };
  }
}
