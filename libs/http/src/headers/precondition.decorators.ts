import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ValidationFailedError } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';
import { rejectInvalid } from '../requests/invalid-fields.js';
import { parseIfMatch, parseIfNoneMatch } from './etag.js';

const headerOf = (context: ExecutionContext, name: 'if-match' | 'if-none-match'): string | undefined =>
  context.switchToHttp().getRequest<FastifyRequest>().headers[name];

/** Reports invalid preconditions together with the invalid fields of body and query. */
function collected<T>(parse: () => T): T | Promise<never> {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ValidationFailedError) return rejectInvalid(error.extras.errors ?? []);
    throw error;
  }
}

/** The versions of the `If-Match` header; a parameter of type `IfMatch`. */
export const IfMatchHeader = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  collected(() => parseIfMatch(headerOf(context, 'if-match'))),
);

/** The entity tags of the `If-None-Match` header; a parameter of type `IfNoneMatch`. */
export const IfNoneMatchHeader = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  collected(() => parseIfNoneMatch(headerOf(context, 'if-none-match'))),
);
