import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { inNextSlice, type RequestClass, Scheduler } from '@coordination/scheduling';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

/** Requests of these classes take longest until they wait for something: for the database, or for a slice of their own. */
const PACED: ReadonlySet<RequestClass | undefined> = new Set<RequestClass>(['heavy', 'long']);

/**
 * Begins requests in slices of the scheduler: heavy and long ones, and those of routes to which many clients send at the same
 * moment. Hundreds of callers that connect at once would otherwise be validated and started in a few turns of the event loop,
 * and libuv accepts one connection in each of its turns: a heartbeat on a new connection would wait behind all of them. They
 * wait before they are validated, and without a bound: how many there may be is decided by their places, or by their route.
 */
@Injectable()
export class PacedRequests {
  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly scheduler: Scheduler,
  ) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onRequest', (request, _reply, done) => {
      const { endpoint } = request;
      if (endpoint?.comesInBursts || PACED.has(endpoint?.work)) void this.begin(request, done);
      else done();
    });
  }

  private async begin({ served, endpoint }: FastifyRequest, next: () => void): Promise<void> {
    const owner = { workClass: endpoint?.work ?? 'hot', client: served?.clientAddress };
    await inNextSlice(this.scheduler, owner, () => {
      // If the client is gone, nothing has begun, and nobody would get a response.
      if (served?.response.destroyed) served.place?.end();
      else next();
    });
  }
}
