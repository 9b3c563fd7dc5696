import { type FastifyRequest } from 'fastify';
import { refuseBadTarget } from '../headers/request-headers.js';
import { MethodNotAllowedError, NoProxyError, RouteNotFoundError } from '../problems/http.errors.js';
import { publicPath } from '../problems/problem.js';
import { pathOf, sentTarget, withoutOrigin } from '../requests/request-target.js';
import { type RouteTable } from '../routing/route-table.js';

/** The route for preflights, which @fastify/cors adds for all paths. */
export const CORS_ROUTE = '*';

/** @throws NoProxyError for CONNECT, whose target is another host */
export function refuseTunnel({ raw }: FastifyRequest): void {
  if (raw.method === 'CONNECT') throw new NoProxyError();
}

/**
 * Refuses a target that was not passed to the router, because it is no path or cannot be decoded.
 * @throws RouteNotFoundError, ValidationFailedError
 */
export function refuseUnroutable({ raw, server }: FastifyRequest): void {
  const sent = sentTarget(raw);
  if (sent === raw.url) return;
  const target = withoutOrigin(sent);
  if (target === raw.url) return;
  refuseBadTarget(target);
  throw new RouteNotFoundError(raw.method ?? '', pathOf(target), server.ownLinks.baseFor(raw));
}

/** @throws RouteNotFoundError, or MethodNotAllowedError if the path takes other methods */
export function refuseUnrouted(request: FastifyRequest, routes: RouteTable): void {
  const url = request.endpoint?.url;
  if (!request.is404 && url !== CORS_ROUTE && !routes.isShadowed(url, request.url)) return;
  const path = pathOf(request.url);
  const base = request.server.ownLinks.baseFor(request.raw);
  const allow = routes.methodsOf(path);
  throw allow.length > 0
    ? new MethodNotAllowedError(request.method, publicPath(base, path), allow)
    : new RouteNotFoundError(request.method, path, base);
}
