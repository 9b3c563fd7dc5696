import { Readable } from 'node:stream';
import { type FastifyReply } from 'fastify';

/** Ends the response to a HEAD request without the content of the GET response, so without a Content-Length. */
export function endHead(reply: FastifyReply): void {
  void reply.send(Readable.from([]));
}
