import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Place, type PlaceKind, type RequestClass, WorkPlaces } from '@coordination/scheduling';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { clientNetworkOf } from './client-network.js';
import { RequestPlace } from './request-place.js';
import { type ServedRequest, servedRequest } from './served-request.js';

/** The place that a request of a class needs before it is read any further; the others need none. */
const PLACE_OF: Partial<Record<RequestClass, PlaceKind>> = { heavy: 'database', long: 'long' };

declare module 'fastify' {
  interface FastifyInstance {
    /** Absent in applications without {@link RequestPlaces}. */
    requestPlaces: RequestPlaces | null;
  }
}

/**
 * Gives places to requests. Those whose route is declared as heavy or long work wait here, after the checks of the target and
 * the host, and before their body is read, their parameters are validated, or the database is asked. Heavy work that only the
 * query or the state of the catalog reveals asks by {@link enter}.
 */
@Injectable()
export class RequestPlaces {
  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly places: WorkPlaces,
  ) {
    const server = httpAdapter.getInstance<FastifyInstance>();
    server.requestPlaces = this;
    server.addHook('onRequest', (request, _reply, done) => {
      const work = request.endpoint?.work;
      const kind = work && PLACE_OF[work];
      if (kind === undefined) done();
      else void this.before(request, kind, done);
    });
    server.addHook('onSend', (request, _reply, _payload, done) => {
      request.served?.place?.end();
      done();
    });
  }

  /**
   * Waits for a place for the request that is being served; it is given back when the answer is handed over. Returns at once
   * if the request has a place, and outside requests.
   * @throws OverloadedError when too many wait already, or when the request has waited too long
   */
  async enter(kind: PlaceKind): Promise<void> {
    const request = servedRequest();
    if (request) await this.placeOf(request).enter(kind);
  }

  /** Gives the place of the request that is being served back before its answer. */
  leave(): void {
    servedRequest()?.place?.leave();
  }

  /** Lets other requests have the place of the request that is being served, and waits for it again. For long work. */
  async handOn(): Promise<void> {
    await servedRequest()?.place?.handOn();
  }

  /**
   * For work that goes on while the answer is being sent: a function that waits for a place for the client of the present
   * request, without bounds. The caller must release each place.
   * @param signal ends the wait
   */
  underWay(kind: PlaceKind, signal: AbortSignal): () => Promise<Place> {
    const { clientAddress = null, route = '' } = servedRequest() ?? {};
    const client = clientNetworkOf(clientAddress);
    return () => this.places.enter(kind, { client, route, signal, isUnderWay: true });
  }

  /** Waits for a place for a request, and then calls a function, with an error if there is none. Not if the client is gone. */
  async before({ served }: FastifyRequest, kind: PlaceKind, next: (error?: Error) => void): Promise<void> {
    try {
      if (served) await this.placeOf(served).enter(kind);
    } catch (error) {
      if (!served?.response.destroyed) next(error as Error);
      return;
    }
    next();
  }

  private placeOf(request: ServedRequest): RequestPlace {
    const { clientAddress, route = '', response } = request;
    return (request.place ??= new RequestPlace(this.places, {
      client: clientNetworkOf(clientAddress),
      route,
      response,
    }));
  }
}
