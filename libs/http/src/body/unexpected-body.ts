import { MalformedJsonError, toFieldErrors, ValidationFailedError } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';

/** For a body where the operation takes none: it is most likely meant for another operation. */
export function complaintAboutUnexpectedBody({ endpoint }: FastifyRequest): MalformedJsonError | undefined {
  if (endpoint?.takesBody !== false || endpoint.protocol?.isLenient) return undefined;
  return new MalformedJsonError('This operation takes no body. Send it without one.');
}

/** For a body or query parameters where the operation takes none. */
export function complaintAboutUnexpectedInput(request: FastifyRequest): Error | undefined {
  const { endpoint } = request;
  const complaint = request.body === undefined ? undefined : complaintAboutUnexpectedBody(request);
  if (complaint || endpoint?.takesQuery !== false || endpoint.protocol?.isLenient) return complaint;
  const names = Object.keys(request.query as object);
  if (names.length === 0) return undefined;
  return new ValidationFailedError(
    toFieldErrors([{ code: 'unrecognized_keys', message: '', keys: names, known: [] }], '/query'),
  );
}
