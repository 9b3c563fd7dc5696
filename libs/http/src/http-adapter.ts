import { type Server } from 'node:http';
import { Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { ANONYMOUS, type RequestStore, runInRequest } from '@coordination/context';
import { MalformedJsonError, ValidationFailedError } from '@coordination/kernel';
import { type FastifyHttpOptions, type FastifyReply, type FastifyRequest, type HookHandlerDoneFunction } from 'fastify';
import { addBodyParsers, forgetTypeOfNothing } from './body-parsers.js';
import { clientAddressOf, trustIn } from './client-address.js';
import { answerClientError } from './client-error.js';
import { pathOf } from './error-mapping.js';
import { MethodNotAllowedError, RouteNotFoundError } from './http.errors.js';
import { answerFailure } from './problem.filter.js';
import { repeatableCallOf } from './repeatable-request.js';
import { changeReasonOf, refuseBadTarget, requestIdOf } from './request-headers.js';
import { type EndpointRouteConfig } from './route-config.js';
import { RouteTable } from './route-table.js';
import { ServerConnections } from './server-connections.js';

/** The body limit of routes that do not say otherwise. */
export const DEFAULT_BODY_LIMIT_BYTES = 64 * 1024;

/** The most bytes of the request line and the headers together. What parameters and headers may hold in all fits into it. */
export const MAX_HEAD_BYTES = 32 * 1024;

/** Within this time a request must have arrived whole, so that slow callers cannot hold connections for ever. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The longest path segment, in bytes as sent: an instanceId of 200 characters, each of which may be escaped. */
const MAX_PARAM_LENGTH = 2_048;

/** The route for preflights, which @fastify/cors adds for every path there could be. */
const CORS_ROUTE = '*';

type HttpSettings = Pick<Settings, 'PCS_TRUSTED_PROXIES' | 'PCS_KEEP_ALIVE_SECONDS'>;

/** What only tests change. */
export interface AdapterOptions {
  readonly requestTimeoutMs?: number;
  /** How often (ms) Node.js looks for requests that are late. */
  readonly connectionsCheckingIntervalMs?: number;
}

/** Fastify as this service uses it, with its own body parsers. */
export class HttpAdapter extends FastifyAdapter {
  readonly connections = new ServerConnections(this.getInstance());

  /** Nest would add parsers that do not refuse what ours refuse. */
  override registerParserMiddleware(): void {}
}

/**
 * The HTTP server: limits, body parsers, request ids, the async context of each request, and problems for whatever fails
 * before Nest sees it.
 */
export function createHttpAdapter(settings: HttpSettings, options: AdapterOptions = {}): HttpAdapter {
  const logger = new Logger('Http');
  const routes = new RouteTable();
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const server: FastifyHttpOptions<Server> = {
    bodyLimit: DEFAULT_BODY_LIMIT_BYTES,
    keepAliveTimeout: settings.PCS_KEEP_ALIVE_SECONDS * 1_000,
    requestTimeout,
    // Set afterwards, as Fastify does it, requestTimeout would not cover bodies while headersTimeout is the longer one.
    http: {
      requestTimeout,
      headersTimeout: requestTimeout,
      maxHeaderSize: MAX_HEAD_BYTES,
      ...(options.connectionsCheckingIntervalMs !== undefined && {
        connectionsCheckingInterval: options.connectionsCheckingIntervalMs,
      }),
    },
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    trustProxy: settings.PCS_TRUSTED_PROXIES.length > 0 ? trustIn(settings.PCS_TRUSTED_PROXIES) : false,
    genReqId: raw => requestIdOf(raw.headers['x-request-id']),
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => answerFailure(error, request, reply, logger),
  };
  const adapter = new HttpAdapter(server);
  const instance = adapter.getInstance();
  addBodyParsers(instance);
  instance.addHook('onRoute', route => {
    if (route.url !== CORS_ROUTE) routes.add(route);
    const { bodyLimitBytes } = (route.config ?? {}) as EndpointRouteConfig;
    if (bodyLimitBytes !== undefined) route.bodyLimit = bodyLimitBytes;
  });
  // The very first hook, so that preflights and everything that Nest's own hooks answer have a request id as well.
  adapter.setOnRequestHook((request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
    adapter.connections.began(reply.raw);
    forgetTypeOfNothing(request.raw.headers);
    void reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
    const store: RequestStore = {
      requestId: request.id,
      clientAddress: clientAddressOf(request),
      actor: ANONYMOUS,
      source: 'api',
      reason: null,
    };
    runInRequest(store, () => {
      try {
        refuseUnrouted(request, routes);
        refuseBadTarget(request.raw.url ?? '');
        store.reason = changeReasonOf(request.headers['x-change-reason']);
        store.repeatable = repeatableCallOf(request, reply);
      } catch (error) {
        done(error as Error);
        return;
      }
      done();
    });
  });
  instance.addHook('preValidation', (request, _reply, done) => {
    done(complaintAboutUnasked(request));
  });
  return adapter;
}

/** @throws RouteNotFoundError, or MethodNotAllowedError if the path takes other methods */
function refuseUnrouted(request: FastifyRequest, routes: RouteTable): void {
  const { url } = request.routeOptions;
  if (!request.is404 && url !== CORS_ROUTE && !routes.isShadowed(url, request.url)) return;
  // A preflight is answered by the CORS hook, which comes later.
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) return;
  const path = pathOf(request.url);
  const allow = routes.methodsOf(path);
  throw allow.length > 0
    ? new MethodNotAllowedError(request.method, path, allow)
    : new RouteNotFoundError(request.method, path);
}

/** A body or query parameters where the operation takes none: most likely meant for another one. */
function complaintAboutUnasked(request: FastifyRequest): Error | undefined {
  const { takesBody, takesQuery } = request.routeOptions.config as EndpointRouteConfig;
  if (takesBody === false && request.body !== undefined) {
    return new MalformedJsonError('This operation takes no body. Send it without one.');
  }
  if (takesQuery === false) {
    const names = Object.keys(request.query as object);
    if (names.length > 0) {
      return new ValidationFailedError(names.map(name => ({ path: `/query/${name}`, message: 'is not known here' })));
    }
  }
  return undefined;
}
