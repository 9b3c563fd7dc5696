import { type FastifyRequest } from 'fastify';
import { pathOf } from './error-mapping.js';
import { MethodNotAllowedError, NoProxyError, RouteNotFoundError } from './http.errors.js';
import { refuseBadTarget } from './request-headers.js';
import { sentTarget, withoutOrigin } from './request-target.js';
import { type RouteTable } from './route-table.js';

/** The route for preflights, which @fastify/cors adds for every path there could be. */
export const CORS_ROUTE = '*';

/** @throws NoProxyError for CONNECT, whose target is another host */
export function refuseTunnel({ raw }: FastifyRequest): void {
  if (raw.method === 'CONNECT') throw new NoProxyError();
}

/**
 * Refuses a target that the router was not given: what is no path, and what cannot be decoded.
 * @throws RouteNotFoundError, ValidationFailedError
 */
export function refuseUnroutable({ raw }: FastifyRequest): void {
  const sent = sentTarget(raw);
  if (sent === raw.url) return;
  const target = withoutOrigin(sent);
  if (target === raw.url) return;
  refuseBadTarget(target);
  throw new RouteNotFoundError(raw.method ?? '', pathOf(target));
}

/** @throws RouteNotFoundError, or MethodNotAllowedError if the path takes other methods */
export function refuseUnrouted(request: FastifyRequest, routes: RouteTable): void {
  if (!request.is404 && request.routeOptions.url !== CORS_ROUTE) return;
  const path = pathOf(request.url);
  const allow = routes.methodsOf(path);
  throw allow.length > 0
    ? new MethodNotAllowedError(request.method, path, allow)
    : new RouteNotFoundError(request.method, path);
}
