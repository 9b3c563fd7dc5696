import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { noteFailure } from '@coordination/context';
import { type DomainError, ERROR_CODES } from '@coordination/kernel';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { isDisconnect } from '../requests/client-disconnect.js';
import { pathOf, withoutOrigin } from '../requests/request-target.js';
import { toDomainError } from './error-mapping.js';
import { errorHeaders, formatProblem } from './problem.js';

/**
 * Responds to every failure with an error of the route's protocol, which is a problem document (RFC 9457) in the native API.
 * Unexpected errors are logged with their stack and answered as an internal error without details.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(failure: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    answerFailure(failure, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.logger);
  }
}

/** Responds to a failure; also for requests that fail before any hook has run, which then have no endpoint. */
export function answerFailure(failure: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  // Its client has disconnected, and nobody gets a response: that is no failure of this service.
  if (isDisconnect(failure) && reply.raw.destroyed) {
    // The hook that gives places back does not run without a response.
    request.served?.place?.end();
    // Otherwise Fastify would wait for the end of the response, and make an error of it.
    reply.hijack();
    return;
  }
  const path = pathOf(withoutOrigin(request.originalUrl));
  if (reply.sent || reply.raw.headersSent) {
    // A response that has begun cannot be replaced: cut it off, so that the caller sees that it is incomplete.
    noteWhy(toDomainError(failure, request), request, { path, isCut: true }, () =>
      logger.error(failure, `${request.method} ${path} failed after its answer had begun`),
    );
    reply.raw.destroy();
    return;
  }
  const { endpoint } = request;
  if (failure instanceof HttpException && failure.getStatus() === endpoint?.ownErrorStatus) {
    void reply.code(failure.getStatus()).send(failure.getResponse());
    return;
  }
  const { ownLinks } = reply.server;
  const base = ownLinks.baseFor(request.raw);
  const error = toDomainError(failure, request, base);
  noteWhy(error, request, { path, isCut: false }, () => logger.error(failure, `${request.method} ${path} failed`));
  const isForMany = endpoint?.bodyLimitBytes !== undefined;
  const format = endpoint?.protocol?.formatError ?? formatProblem;
  const { status, contentType, headers, body } = format(error, { requestId: request.id, path, isForMany, base });
  ownLinks.markVarying(reply);
  void reply
    .code(status)
    .headers({ ...errorHeaders(error), ...headers, 'content-type': contentType, 'x-request-id': request.id })
    // As bytes: to a text, Fastify would add a charset.
    .send(Buffer.from(body));
}

/** Records a failure for the log line of the request. An unexpected error is logged at once, with its stack. */
function noteWhy(
  error: DomainError,
  request: FastifyRequest,
  answer: { readonly path: string; readonly isCut: boolean },
  logBug: () => void,
): void {
  const isBug = error.code === 'INTERNAL_ERROR';
  if (isBug) logBug();
  // Errors of the caller are in the response.
  if (!isBug && error.cause === undefined && ERROR_CODES[error.code].status < 500 && !answer.isCut) return;
  const because = isBug || error.cause === undefined ? undefined : reasonOf(error.cause);
  noteFailure(request, { code: error.code, because, ...answer, isLogged: isBug });
}

/** The code of a cause rather than its message: messages of the database may repeat the statement with its values. */
function reasonOf(cause: unknown): string {
  const { code, message } = cause as { code?: unknown; message?: string };
  return typeof code === 'string' ? code : (message ?? String(cause));
}
