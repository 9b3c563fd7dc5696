import { Readable } from 'node:stream';
import { type FastifyReply } from 'fastify';

/** Ends the answer to a HEAD whose content nobody made, so that its length is not known and not told. */
export function endHead(reply: FastifyReply): void {
  void reply.send(Readable.from([]));
}
