import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { rejectInvalid } from '../requests/invalid-fields.js';
import { queryInteger } from '../requests/query.schemas.js';

const eventId = queryInteger(0, Number.MAX_SAFE_INTEGER);

/**
 * The `Last-Event-ID` header, with which clients of server-sent events resume; ids are revisions. Undefined if it is absent,
 * or empty, as clients send it that have received no event.
 */
export const LastEventIdHeader = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['last-event-id'];
  if (header === undefined || header === '') return undefined;
  const parsed = eventId.safeParse(header);
  if (parsed.success) return parsed.data;
  return rejectInvalid(parsed.error.issues.map(({ message }) => ({ path: '/header/last-event-id', message })));
});
