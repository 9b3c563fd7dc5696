import { type Server } from 'node:http';
import { Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { ANONYMOUS, currentRequest, type RequestStore, runInRequest } from '@coordination/context';
import { type FastifyHttpOptions, type FastifyReply, type FastifyRequest, type HookHandlerDoneFunction } from 'fastify';
import { addBodyParsers, forgetTypeOfNothing } from '../body/body-parsers.js';
import { clientAddressOf, trustIn } from '../requests/client-address.js';
import { answerClientError } from '../problems/client-error.js';
import { compressAnswers } from '../compression/compress-answers.js';
import { answerExpectation, refuseOtherExpectations } from './expectation.js';
import { FurtherAddresses } from './further-addresses.js';
import { HostRule, type HostSettings } from './host-rule.js';
import { BadHostError } from '../problems/http.errors.js';
import { type LinkSettings, OwnLinks } from '../links/own-links.js';
import { complaintAboutPreflight } from './preflight.js';
import { answerFailure } from '../problems/problem.filter.js';
import { repeatableCallOf } from '../requests/repeatable-request.js';
import { changeReasonOf, refuseBadTarget, refuseLongSegment, requestIdOf } from '../requests/request-headers.js';
import { pathOf, routedTarget, sentTarget, UNROUTABLE, withoutOrigin } from '../requests/request-target.js';
import { RouteTable } from '../routing/route-table.js';
import { closeAfter, ServerConnections } from './server-connections.js';
import { routeEverything } from './server-events.js';
import { complaintAboutUnasked } from '../body/unexpected-body.js';
import { CORS_ROUTE, refuseTunnel, refuseUnroutable, refuseUnrouted } from '../routing/unrouted.js';

/** The body limit of routes that do not say otherwise. */
export const DEFAULT_BODY_LIMIT_BYTES = 64 * 1024;

/** The most bytes of the request line and the headers together. What parameters and headers may hold in all fits into it. */
export const MAX_HEAD_BYTES = 32 * 1024;

/** Within this time a request must have arrived whole, so that slow callers cannot hold connections for ever. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Longer than any request line can be: the router answers a longer segment by itself, without the hooks. */
const ANY_LENGTH = 1024 * 1024;

type HttpSettings = LinkSettings &
  Pick<Settings, 'PCS_KEEP_ALIVE_SECONDS'> &
  Partial<Pick<Settings, 'PCS_COMPRESSION' | 'PCS_CORS_ORIGINS'>> &
  HostSettings;

type Endpoint = NonNullable<FastifyRequest['endpoint']>;

/** What only tests change. */
export interface AdapterOptions {
  readonly requestTimeoutMs?: number;
  /** How often (ms) Node.js looks for requests that are late. */
  readonly connectionsCheckingIntervalMs?: number;
}

/** Fastify as this service uses it, with its own body parsers. */
export class HttpAdapter extends FastifyAdapter {
  readonly connections = new ServerConnections(this.getInstance());
  readonly furtherAddresses = new FurtherAddresses(this.getInstance());

  constructor(
    options: FastifyHttpOptions<Server>,
    readonly hosts: HostRule,
  ) {
    super(options);
  }

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
  const ownLinks = new OwnLinks(settings);
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const server: FastifyHttpOptions<Server> = {
    bodyLimit: DEFAULT_BODY_LIMIT_BYTES,
    keepAliveTimeout: settings.PCS_KEEP_ALIVE_SECONDS * 1_000,
    requestTimeout,
    // Set afterwards, as Fastify does it, requestTimeout would not cover bodies while headersTimeout is the longer one.
    http: {
      // Node.js would answer by itself; the first checks of a request do.
      requireHostHeader: false,
      requestTimeout,
      headersTimeout: requestTimeout,
      maxHeaderSize: MAX_HEAD_BYTES,
      ...(options.connectionsCheckingIntervalMs !== undefined && {
        connectionsCheckingInterval: options.connectionsCheckingIntervalMs,
      }),
    },
    return503OnClosing: false,
    routerOptions: { maxParamLength: ANY_LENGTH },
    rewriteUrl: routedTarget,
    trustProxy: settings.PCS_TRUSTED_PROXIES.length > 0 ? trustIn(settings.PCS_TRUSTED_PROXIES) : false,
    genReqId: raw => requestIdOf(raw.headers['x-request-id']),
    clientErrorHandler: (error, socket) =>
      answerClientError(error, socket, ownLinks.fixedBase, adapter.connections.answerOn(socket)),
    frameworkErrors: (error, request, reply) => answerFailure(error, request, reply, logger),
  };
  const hosts = new HostRule(settings);
  const adapter: HttpAdapter = new HttpAdapter(server, hosts);
  const instance = adapter.getInstance();
  instance.decorate('ownLinks', ownLinks);
  addBodyParsers(instance);
  if (settings.PCS_COMPRESSION) compressAnswers(instance);
  instance.addHook('onRoute', route => {
    const { bodyLimitBytes, isUnlisted } = route.config ?? {};
    if (route.url !== CORS_ROUTE && !isUnlisted) routes.add(route);
    if (bodyLimitBytes !== undefined) route.bodyLimit = bodyLimitBytes;
  });
  routeEverything(instance.server);
  instance.decorateRequest('endpoint', undefined);
  // The very first hook, so that whatever answers has a request id.
  adapter.setOnRequestHook((request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
    adapter.connections.began(reply.raw);
    forgetTypeOfNothing(request.raw.headers);
    request.endpoint = endpointOf(request, routes);
    void reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
    const store: RequestStore = {
      requestId: request.id,
      clientAddress: clientAddressOf(request),
      actor: ANONYMOUS,
      source: request.endpoint.protocol?.source ?? 'api',
      reason: null,
    };
    runInRequest(store, () => {
      done(complaintAboutPreflight(request, settings.PCS_CORS_ORIGINS ?? []));
    });
  });
  // After the hook of Nest that adds the headers of CORS, so that refusals have them too.
  instance.addHook('onRequest', (request, reply, done) => {
    try {
      refuseTunnel(request);
      refuseBadHost(request, reply, hosts);
      refuseOtherExpectations(request);
      refuseUnroutable(request);
      refuseUnrouted(request, routes);
      refuseBadTarget(request.url);
      refuseLongSegment(request.url);
      const store = currentRequest()!;
      store.reason = changeReasonOf(request.headers['x-change-reason']);
      store.repeatable = repeatableCallOf(request, reply);
      answerExpectation(request, reply);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  });
  instance.addHook('preValidation', (request, _reply, done) => {
    done(complaintAboutUnasked(request));
  });
  return adapter;
}

/** The configuration of the route of a request; see `FastifyRequest.endpoint`. */
function endpointOf({ is404, raw, routeOptions: { config } }: FastifyRequest, routes: RouteTable): Endpoint {
  // Fastify routes what has no route to one of these two, or to none.
  if (!is404 && config.url !== CORS_ROUTE && config.url !== UNROUTABLE) return config;
  const protocol = routes.protocolOf(pathOf(withoutOrigin(sentTarget(raw))));
  return protocol ? { url: config?.url, protocol } : (config ?? {});
}

/** @throws BadHostError, MisdirectedRequestError */
function refuseBadHost({ raw }: FastifyRequest, reply: FastifyReply, hosts: HostRule): void {
  const complaint = hosts.complaintAbout(raw);
  if (!complaint) return;
  if (complaint instanceof BadHostError) closeAfter(reply.raw);
  throw complaint;
}
