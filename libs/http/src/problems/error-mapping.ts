import { HttpException } from '@nestjs/common';
import { DomainError, MalformedJsonError, ValidationFailedError } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';
import { acceptedMediaTypes } from '../requests/media-types.js';
import { pathOf } from '../requests/request-target.js';
import { InternalError, PayloadTooLargeError, RouteNotFoundError, UnsupportedMediaTypeError } from './http.errors.js';

/** The parts of a request that the mapping needs. */
export type FailedRequest = Pick<FastifyRequest, 'method' | 'url' | 'headers' | 'endpoint'> & {
  readonly routeOptions?: { readonly bodyLimit?: number | undefined };
};

/**
 * Maps any failure to a domain error: those of Fastify and Nest by their code or status; every other one is a bug, and becomes
 * an internal error without details.
 * @param base comes before paths of this service in links
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
      return new MalformedJsonError('The length of the body differs from its Content-Length.');
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
      return ValidationFailedError.at('', 'is not a request that can be read');
  }
}

const badPath = (message: string): DomainError => ValidationFailedError.at('/path', message);

function codeOf(failure: unknown): string | undefined {
  return failure instanceof Error && 'code' in failure && typeof failure.code === 'string' ? failure.code : undefined;
}

function statusOf(failure: unknown): number | undefined {
  if (failure instanceof HttpException) return failure.getStatus();
  return failure instanceof Error && 'statusCode' in failure && typeof failure.statusCode === 'number'
    ? failure.statusCode
    : undefined;
}
