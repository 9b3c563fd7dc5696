import { type IncomingMessage } from 'node:http';
import { MalformedJsonError } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';
import { PayloadTooLargeError } from '../problems/http.errors.js';
import { ArrivingBody } from './arriving-body.js';

/**
 * Reads a body, and counts its bytes among those of all bodies.
 * @param done called once: with all bytes, or with PayloadTooLargeError as soon as the body exceeds the limit of the route,
 * OverloadedError when bodies have too many bytes, MalformedJsonError when it arrives in too many too small chunks, or the
 * failure of the connection
 */
export function collectBody(
  request: FastifyRequest,
  payload: IncomingMessage,
  done: (error: Error | null, bytes: Buffer) => void,
): void {
  const limit = request.routeOptions.bodyLimit;
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    done(new PayloadTooLargeError(limit), NOTHING);
    return;
  }
  const { requestBodies } = request.server;
  const held = requestBodies?.hold(request);
  const body = new ArrivingBody();
  const settle = (error: Error | null): void => {
    // The stream keeps flowing, so that the connection can be used for the response: what follows is dropped.
    payload.off('data', take).off('end', end).off('error', settle);
    done(error, error ? NOTHING : body.whole());
  };
  const end = (): void => settle(null);
  const take = (chunk: Buffer): void => {
    try {
      if (held) requestBodies!.add(held, chunk.length);
    } catch (error) {
      settle(error as Error);
      return;
    }
    body.add(chunk);
    if (body.byteLength > limit) settle(new PayloadTooLargeError(limit));
    else if (body.isCrumbled) settle(new MalformedJsonError(CRUMBLED));
  };
  payload.on('data', take).on('end', end).on('error', settle);
}

const NOTHING = Buffer.alloc(0);

const CRUMBLED =
  'The body came in thousands of chunks of a few bytes. Collect it before you send it, or send it with Content-Length.';
