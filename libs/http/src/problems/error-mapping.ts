import { HttpException } from '@nestjs/common';
import { DomainError, MalformedJsonError, ValidationFailedError } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';
import { InternalError, PayloadTooLargeError, RouteNotFoundError, UnsupportedMediaTypeError } from './http.errors.js';
import { acceptedMediaTypes } from '../requests/media-types.js';
import { pathOf } from '../requests/request-target.js';

/** What of a request the mapping looks at. */
export type FailedRequest = Pick<FastifyRequest, 'method' | 'url' | 'headers' | 'endpoint'> & {
  readonly routeOptions?: { readonly bodyLimit?: number | undefined };
};

/**
 * The domain error that stands for a failure of any kind: Fastify's and Nest's own become ours, and whatever is left is a
 * bug, of which nothing is told.
 * @param base what goes before paths of this service in links
 */
export function toDomainError(failure: unknown, request: FailedRequest, base = ''): DomainError {
  if (failure instanceof DomainError) return failure;
  const cause = failure instanceof HttpException && failure.cause instanceof Error ? failure.cause : failure;
  if (cause instanceof DomainError) return cause;
  switch (codeOf(cause)) {
    case 'FST_ERR_BAD_URL':
      return badPath('must be UTF-8 in percent escapes (RFC 3986)');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return badPath('has a segment that is longer than any name here can be');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new MalformedJsonError('The body is shorter or longer than its Content-Length says.');
    case 'ECONNRESET':
      return new MalformedJsonError('The connection was closed before the body was complete.');
    default:
      return byStatus(statusOf(failure) ?? statusOf(cause), request, base);
  }
}

function byStatus(status: number | undefined, request: FailedRequest, base: string): DomainError {
  if (status === undefined || status < 400 || status >= 500) return new InternalError();
  switch (status) {
    case 404:
      return new RouteNotFoundError(request.method, pathOf(request.url), base);
    case 413:
      return new PayloadTooLargeError(request.routeOptions?.bodyLimit);
    case 415:
      return new UnsupportedMediaTypeError(request.headers['content-type'], acceptedMediaTypes(request));
    default:
      return new ValidationFailedError([{ path: '', message: 'is not a request that can be read' }]);
  }
}

const badPath = (message: string): DomainError => new ValidationFailedError([{ path: '/path', message }]);

function codeOf(failure: unknown): string | undefined {
  return failure instanceof Error && 'code' in failure && typeof failure.code === 'string' ? failure.code : undefined;
}

function statusOf(failure: unknown): number | undefined {
  if (failure instanceof HttpException) return failure.getStatus();
  return failure instanceof Error && 'statusCode' in failure && typeof failure.statusCode === 'number'
    ? failure.statusCode
    : undefined;
}
