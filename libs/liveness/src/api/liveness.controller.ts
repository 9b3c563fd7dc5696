import { Body, Controller, Get, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint, POSITION_HEADERS, setPosition } from '@coordination/http';
import { WRITE_PROBLEMS } from '@coordination/registry';
import { type FastifyReply } from 'fastify';
import { GuardAdminService } from './guard-admin.service.js';
import { LIVENESS_EXAMPLE, ORDER_EXAMPLE, ORDERED_EXAMPLE } from './liveness.examples.js';
import { LivenessReport } from './liveness-report.service.js';
import { guardOrdered, livenessView, type OrderGuard, orderGuard } from './liveness.schemas.js';

/** How liveness stands, and what operators order of its guard. */
@ApiTags('Liveness')
@Controller('api/v1/liveness')
export class LivenessController {
  constructor(
    private readonly report: LivenessReport,
    private readonly desk: GuardAdminService,
  ) {}

  @Endpoint({
    status: 200,
    response: livenessView,
    responseHeaders: ['Cache-Control'],
    summary: 'How liveness stands',
    description:
      'Leases by state, who ends them, active guards with their numbers, and the nodes of the service. It counts all leases in the database: for people and alarms, a few times a minute; metrics cost less.',
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
    response: guardOrdered,
    responseHeaders: POSITION_HEADERS,
    summary: 'End a guard, or force one',
    description:
      'An operator’s word over the guard of one service or of all, with a reason; it is an event of the log, and takes effect within about a second. `end` lets leases end that have ended, and keeps guards from holding the scope again for the length of the window; of `all` it also ends the longer time of leases after the database was away. `force` keeps all leases of the scope from ending until a time. The last word counts.',
    operationId: 'orderGuard',
    requestHeaders: ['X-Change-Reason', 'Idempotency-Key'],
    problems: [...WRITE_PROBLEMS, 'STARTING', 'STALE_VIEW'],
    examples: { body: ORDER_EXAMPLE, response: ORDERED_EXAMPLE },
  })
  @Post('guard')
  async orderGuard(@Body({ schema: orderGuard }) body: OrderGuard, @Res({ passthrough: true }) reply: FastifyReply) {
    const { revision, epoch, scope, until } = await this.desk.order(body);
    setPosition(reply, { revision, epoch });
    return { revision, action: body.action, scope, until, reason: body.reason };
  }
}
