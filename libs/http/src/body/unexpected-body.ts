import { MalformedJsonError, toFieldErrors, ValidationFailedError } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';
import { type EndpointRouteConfig } from '../routing/route-config.js';

const configOf = ({ routeOptions }: FastifyRequest) => routeOptions.config as EndpointRouteConfig;

/** For a body where the operation takes none: most likely meant for another one. */
export function complaintAboutUnaskedBody(request: FastifyRequest): MalformedJsonError | undefined {
  if (configOf(request).takesBody !== false) return undefined;
  return new MalformedJsonError('This operation takes no body. Send it without one.');
}

/** For a body or query parameters where the operation takes none. */
export function complaintAboutUnasked(request: FastifyRequest): Error | undefined {
  const complaint = request.body === undefined ? undefined : complaintAboutUnaskedBody(request);
  if (complaint || configOf(request).takesQuery !== false) return complaint;
  const names = Object.keys(request.query as object);
  if (names.length === 0) return undefined;
  return new ValidationFailedError(
    toFieldErrors([{ code: 'unrecognized_keys', message: '', keys: names, known: [] }], '/query'),
  );
}
