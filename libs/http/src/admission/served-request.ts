import { type ServerResponse } from 'node:http';
import { currentRequest, type RequestStore } from '@coordination/context';
import { type RequestPlace } from './request-place.js';

/** What the server keeps for one request. */
export interface ServedRequest extends RequestStore {
  readonly response: ServerResponse;
  /** The URL of the route, with the names of its parameters. */
  readonly route: string | undefined;
  /** The place that the request has, had or waits for; undefined: it never asked for one. */
  place: RequestPlace | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined for a request that fails before the first hook. */
    served: ServedRequest | undefined;
  }
}

/** The request that is being served by the server of this library; undefined outside one. */
export function servedRequest(): ServedRequest | undefined {
  const store = currentRequest();
  return store && 'response' in store ? (store as ServedRequest) : undefined;
}
