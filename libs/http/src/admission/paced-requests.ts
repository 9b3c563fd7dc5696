import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Scheduler } from '@coordination/scheduling';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

/**
 * Begins requests that come in bursts in slices of the scheduler: after a restart of a node, thousands of clients open their
 * watches at the same moment, and without a pause each of them would delay the heartbeats behind it. They wait before they are
 * validated, and without a bound: how many there may be is decided by their route.
 */
@Injectable()
export class PacedRequests {
  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly scheduler: Scheduler,
  ) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onRequest', (request, _reply, done) => {
      if (request.endpoint?.comesInBursts) void this.begin(request, done);
      else done();
    });
  }

  private async begin({ served, endpoint }: FastifyRequest, next: () => void): Promise<void> {
    const turn = this.scheduler.begin({ workClass: endpoint?.work ?? 'hot', client: served?.clientAddress });
    await turn.next();
    next();
    // What is left of the slice is for the next request.
    turn.end();
  }
}
