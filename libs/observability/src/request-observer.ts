import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { failureOf, type RequestFailure } from '@coordination/context';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type onResponseHookHandler } from 'fastify';
import { type Logger } from 'pino';
import { Metrics } from './metrics.js';
import { RefusalLines, refusalText } from './refusal-lines.js';

/** Injection token of the logger of the process. */
export const PINO_LOGGER = Symbol('Logger');

/** The label of all unknown routes, so that callers cannot create label values. */
const UNKNOWN_ROUTE = 'unknown';

/** Routes that probes and scrapers call all the time. */
const NOISE = /^\/(?:health|metrics)(?:\/|$)/;

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const CLIENT_ERROR = 400;
const SERVER_ERROR = 500;

/**
 * Measures and logs every request: its duration by route, method and status, and one line. The level is `debug`, `trace` for
 * probes, and `warn` at a bounded rate for failures of the service. Lines hold no query, no header and no body. Changes of
 * the catalog are in the audit log anyway.
 */
@Injectable()
export class RequestObserver implements OnApplicationShutdown {
  private readonly durations;
  private readonly refusals = new RefusalLines((fields, message) => this.logger.warn(fields, message));

  constructor(
    { httpAdapter }: HttpAdapterHost,
    metrics: Metrics,
    @Inject(PINO_LOGGER) private readonly logger: Logger,
  ) {
    this.durations = metrics.histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the first byte of a request to the last of its answer, by route.',
      labelNames: ['route', 'method', 'status'],
      buckets: BUCKETS_SECONDS,
    });
    const server = httpAdapter.getInstance<FastifyInstance>();
    server.addHook('onRoute', route => {
      const name = route.url === '*' ? UNKNOWN_ROUTE : route.url;
      route.onResponse = [...[route.onResponse ?? []].flat(), this.observe(name)];
    });
    const observeUnknown = this.observe(UNKNOWN_ROUTE);
    server.addHook('onResponse', function (request, reply, done) {
      if (request.is404) observeUnknown.call(this, request, reply, done);
      else done();
    });
  }

  /** The hook of one route. Whatever does not change between its requests is computed once. */
  private observe(route: string): onResponseHookHandler {
    const series = new Map<string, { observe(seconds: number): void }>();
    const quiet = NOISE.test(route);
    return (request, reply, done) => {
      const { method } = request;
      const status = reply.statusCode;
      const key = `${method}${status}`;
      let known = series.get(key);
      if (!known) series.set(key, (known = this.durations.labels({ route, method, status })));
      known.observe(reply.elapsedTime / 1000);
      this.log(route, request, reply, quiet);
      done();
    };
  }

  onApplicationShutdown(): void {
    this.refusals.summarize();
  }

  private log(route: string, request: FastifyRequest, reply: FastifyReply, quiet: boolean): void {
    const { statusCode: status } = reply;
    const isWhole = status < CLIENT_ERROR && reply.raw.writableFinished;
    const failure = isWhole ? undefined : failureOf(request);
    const isOurs = !quiet && (failure ? !failure.isLogged : status >= SERVER_ERROR);
    if (!isOurs && !this.logger.isLevelEnabled('debug')) return;
    const { id: requestId, method } = request;
    const refused = { requestId, method, route, status, code: failure?.code, because: failure?.because };
    const level = quiet ? 'trace' : isOurs && this.refusals.isFirst(refused) ? 'warn' : 'debug';
    if (!this.logger.isLevelEnabled(level)) return;
    // The response is finished by an event of the socket, outside the async context of the request.
    this.logger[level](
      {
        context: 'Http',
        ...failure?.caller,
        requestId,
        method,
        route,
        status,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ...(failure && fieldsOf(failure)),
      },
      `${method} ${route} ${refusalText(refused)}${failure?.isCut ? ', and the answer was cut short' : ''}`,
    );
  }
}

const fieldsOf = ({ code, because, path }: RequestFailure): object => ({
  code,
  ...(because !== undefined && { because }),
  path,
});
