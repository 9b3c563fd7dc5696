import { type IncomingMessage } from 'node:http';
import { PayloadTooLargeError } from '../problems/http.errors.js';

/** Reads a body of a type that Fastify does not know. @throws PayloadTooLargeError as soon as the body exceeds the limit */
export async function collectBody(payload: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // The response to a body that is too large still has to be sent on this connection.
  for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > limitBytes) throw new PayloadTooLargeError(limitBytes);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
