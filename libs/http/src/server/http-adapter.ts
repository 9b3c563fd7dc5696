import { type Server } from 'node:http';
import { Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { ANONYMOUS, currentRequest, runInRequest } from '@coordination/context';
import { systemClock } from '@coordination/kernel';
import { type FastifyHttpOptions, type FastifyReply, type FastifyRequest, type HookHandlerDoneFunction } from 'fastify';
import { addBodyParsers, forgetTypeOfNothing } from '../body/body-parsers.js';
import { complaintAboutUnexpectedInput } from '../body/unexpected-body.js';
import { compressAnswers } from '../compression/compress-answers.js';
import { Acceptors } from '../connections/acceptors.js';
import { ConnectionLines } from '../connections/connection-lines.js';
import { connectionsMax, descriptorLimit } from '../connections/connections-max.js';
import { closeAfter, type ConnectionRules, ServerConnections } from '../connections/server-connections.js';
import { repeatableCallOf } from '../headers/repeatable-request.js';
import { changeReasonOf, refuseBadTarget, refuseLongSegment, requestIdOf } from '../headers/request-headers.js';
import { type LinkSettings, OwnLinks } from '../links/own-links.js';
import { BadHostError } from '../problems/http.errors.js';
import { answerFailure } from '../problems/problem.filter.js';
import { clientAddressOf, trustIn } from '../requests/client-address.js';
import { pathOf, routedTarget, sentTarget, UNROUTABLE, withoutOrigin } from '../requests/request-target.js';
import { RouteTable } from '../routing/route-table.js';
import { type ServedRequest } from '../admission/served-request.js';
import { answerClientError } from './client-error.js';
import { answerExpectation, refuseOtherExpectations } from './expectation.js';
import { HostRule, type HostSettings } from './host-rule.js';
import { boundPipelining } from './pipelined-requests.js';
import { complaintAboutPreflight } from './preflight.js';
import { boundBursts } from './request-bursts.js';
import { routeEverything } from './server-events.js';
import { CORS_ROUTE, refuseTunnel, refuseUnroutable, refuseUnrouted } from './unrouted.js';

/** The body limit of routes without a limit of their own. */
export const DEFAULT_BODY_LIMIT_BYTES = 64 * 1024;

/** The most bytes of the request line and the headers together; enough for all parameters and headers at their limits. */
export const MAX_HEAD_BYTES = 32 * 1024;

/** A request must have arrived completely within this time, so that slow callers cannot hold connections for ever. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Longer than any request line: the router would respond to a longer segment by itself, without the hooks. */
const ANY_LENGTH = 1024 * 1024;

type HttpSettings = LinkSettings &
  Pick<Settings, 'PCS_KEEP_ALIVE_SECONDS'> &
  Partial<Pick<Settings, 'PCS_COMPRESSION' | 'PCS_CONNECTIONS_MAX' | 'PCS_CORS_ORIGINS'>> &
  HostSettings;

type Endpoint = NonNullable<FastifyRequest['endpoint']>;

/** Options that only tests change. */
export interface AdapterOptions {
  readonly requestTimeoutMs?: number;
  /** How often (ms) Node.js looks for requests that exceed the timeout. */
  readonly connectionsCheckingIntervalMs?: number;
}

/** Fastify as this service uses it, with its own body parsers. */
export class HttpAdapter extends FastifyAdapter {
  readonly connections: ServerConnections;
  readonly acceptors: Acceptors;

  constructor(
    options: FastifyHttpOptions<Server>,
    readonly hosts: HostRule,
    rules: ConnectionRules,
  ) {
    super(options);
    const instance = this.getInstance();
    this.connections = new ServerConnections(instance, rules);
    this.acceptors = new Acceptors(instance, rules.max);
  }

  /** Nest would add its own parsers, which are less strict. */
  override registerParserMiddleware(): void {}
}

/**
 * The HTTP server: limits, body parsers, request ids, the async context of each request, and error responses for failures
 * before Nest gets the request.
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
    // If Fastify set requestTimeout afterwards, it would not cover bodies, because headersTimeout would be longer.
    http: {
      // Node.js would respond by itself; the first checks of a request do that instead.
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
      answerClientError(error, socket, ownLinks.fixedBase, it => adapter.connections.answerOn(it)),
    frameworkErrors: (error, request, reply) => answerFailure(error, request, reply, logger),
  };
  const hosts = new HostRule(settings);
  const adapter: HttpAdapter = new HttpAdapter(server, hosts, connectionRules(settings, logger));
  const instance = adapter.getInstance();
  instance.decorate('ownLinks', ownLinks);
  addBodyParsers(instance);
  if (settings.PCS_COMPRESSION) compressAnswers(instance);
  instance.addHook('onRoute', route => {
    const { bodyLimitBytes, isUnlisted } = route.config ?? {};
    if (route.url !== CORS_ROUTE && !isUnlisted) routes.add(route);
    if (bodyLimitBytes !== undefined) route.bodyLimit = bodyLimitBytes;
  });
  boundBursts(instance.server, {
    isUrgent: ({ method = '', url = '' }) => routes.isLiveness(method, pathOf(url)),
    onWait: response => adapter.connections.began(response),
  });
  boundPipelining(instance.server);
  routeEverything(instance.server);
  instance.decorate('requestPlaces', null);
  instance.decorateRequest('endpoint', undefined);
  instance.decorateRequest('served', undefined);
  // The very first hook, so that every response has a request id.
  adapter.setOnRequestHook((request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => {
    adapter.connections.began(reply.raw);
    forgetTypeOfNothing(request.raw.headers);
    request.endpoint = endpointOf(request, routes);
    void reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
    const store: ServedRequest = {
      requestId: request.id,
      clientAddress: clientAddressOf(request),
      actor: ANONYMOUS,
      source: request.endpoint.protocol?.source ?? 'api',
      reason: null,
      response: reply.raw,
      route: request.endpoint.url,
      place: undefined,
    };
    request.served = store;
    runInRequest(store, () => {
      done(complaintAboutPreflight(request, settings.PCS_CORS_ORIGINS ?? []));
    });
  });
  // After the hook of Nest that adds the headers of CORS, so that refusals have them too.
  instance.addHook('onRequest', (request, reply, done) => {
    try {
      adapter.connections.refuseCrowded(reply.raw);
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
    done(complaintAboutUnexpectedInput(request));
  });
  return adapter;
}

function connectionRules(settings: HttpSettings, logger: Logger): ConnectionRules {
  const max = connectionsMax(descriptorLimit(), settings.PCS_CONNECTIONS_MAX);
  const lines = new ConnectionLines(max, line => logger.warn(line), systemClock);
  return {
    max,
    isShared: settings.PCS_TRUSTED_PROXIES.length > 0 ? trustIn(settings.PCS_TRUSTED_PROXIES) : () => false,
    noteCrowded: (event, because) => lines.note(event, because),
  };
}

/** The configuration of the route of a request; see `FastifyRequest.endpoint`. */
function endpointOf({ is404, raw, routeOptions: { config } }: FastifyRequest, routes: RouteTable): Endpoint {
  // A request without a route has one of these two in Fastify, or none.
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
