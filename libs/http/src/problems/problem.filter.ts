import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { noteFailure } from '@coordination/context';
import { type DomainError, ERROR_CODES } from '@coordination/kernel';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { pathOf, toDomainError } from './error-mapping.js';
import { describeProblem, PROBLEM_MEDIA_TYPE } from './problem.js';
import { withoutOrigin } from '../requests/request-target.js';
import { type EndpointRouteConfig } from '../routing/route-config.js';

/** Terminus has a body of its own, which monitors know. */
const HEALTH_PATH = /^\/health(?:\/|$)/;

/** Answers every failure as a problem (RFC 9457). What is a bug of ours is logged whole, and told as nothing but a bug. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(failure: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    answerFailure(failure, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.logger);
  }
}

/** Sends a failure as a problem; also for requests that fail before any hook has run. */
export function answerFailure(failure: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const path = pathOf(withoutOrigin(request.originalUrl));
  if (reply.sent || reply.raw.headersSent) {
    // An answer that has begun cannot become another one: cut it, so that the caller sees that it is not whole.
    noteWhy(toDomainError(failure, request), request, { path, isCut: true }, () =>
      logger.error(failure, `${request.method} ${path} failed after its answer had begun`),
    );
    reply.raw.destroy();
    return;
  }
  if (failure instanceof HttpException && HEALTH_PATH.test(path) && failure.getStatus() === 503) {
    void reply.code(failure.getStatus()).send(failure.getResponse());
    return;
  }
  const { ownLinks } = reply.server;
  const base = ownLinks.baseFor(request.raw);
  const error = toDomainError(failure, request, base);
  noteWhy(error, request, { path, isCut: false }, () => logger.error(failure, `${request.method} ${path} failed`));
  // A request that fails before it is routed has no configuration.
  const config = request.routeOptions?.config as EndpointRouteConfig | undefined;
  const isForMany = config?.bodyLimitBytes !== undefined;
  const { status, headers, body } = describeProblem(error, { requestId: request.id, path, isForMany, base });
  ownLinks.markVarying(reply);
  void reply
    .code(status)
    .headers({ ...headers, 'content-type': PROBLEM_MEDIA_TYPE, 'x-request-id': request.id })
    .serializer(JSON.stringify)
    .send(body);
}

/** Notes a failure for the line that is written of the request. A bug gets a line of its own at once, with its stack. */
function noteWhy(
  error: DomainError,
  request: FastifyRequest,
  answer: { readonly path: string; readonly isCut: boolean },
  logBug: () => void,
): void {
  const isBug = error.code === 'INTERNAL_ERROR';
  if (isBug) logBug();
  // What callers did wrong is told to them.
  if (!isBug && error.cause === undefined && ERROR_CODES[error.code].status < 500 && !answer.isCut) return;
  const because = isBug || error.cause === undefined ? undefined : reasonOf(error.cause);
  noteFailure(request, { code: error.code, because, ...answer, isLogged: isBug });
}

/** What operators need to know, and no more: messages of the database may repeat the statement with its values. */
function reasonOf(cause: unknown): string {
  const { code, message } = cause as { code?: unknown; message?: string };
  return typeof code === 'string' ? code : (message ?? String(cause));
}
