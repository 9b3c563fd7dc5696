import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { DomainError, type ErrorCode, newId } from '@coordination/kernel';
import { describeProblem, PROBLEM_MEDIA_TYPE } from '../problems/problem.js';
import { closeAfter } from '../connections/server-connections.js';

/** A failure that Node.js detects before there is a request. */
class ProtocolError extends DomainError {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** How long (ms) a connection stays open after the response, so that the client reads it before the connection ends. */
const LINGER_MS = 1_000;

/** A failure as Node.js reports it; `reason` is the message of the parser. */
type ClientError = NodeJS.ErrnoException & { readonly reason?: string };

/**
 * Responds to a request that is malformed, too slow, or has too large headers, with a problem document like those of the native
 * API. It has no headers of CORS, because the origin is not known.
 * @param base comes before paths of this service in links
 * @param answerOn finds the response that is being sent on a connection, if there is one; thousands of connections may be reset
 * at once, for which nothing needs to be found
 */
export function answerClientError(
  error: ClientError,
  socket: Socket,
  base: string,
  answerOn: (socket: Socket) => ServerResponse | undefined,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  const underWay = answerOn(socket);
  if (underWay?.headersSent) {
    // A client would take another response for a part of the one that has begun.
    socket.destroy();
    return;
  }
  if (underWay?.req.complete) {
    // The malformed bytes came after the request that is being processed, which is valid.
    closeAfter(underWay);
    return;
  }
  socket.end(rawAnswer(protocolErrorOf(error), base));
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

function protocolErrorOf({ code, reason }: ClientError): ProtocolError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProtocolError('REQUEST_TIMEOUT', 'The request did not arrive in time.');
    case 'HPE_HEADER_OVERFLOW':
      return new ProtocolError('HEADERS_TOO_LARGE', 'The request line and headers are too large.');
    default:
      return new ProtocolError(
        'VALIDATION_FAILED',
        `The bytes that were received are no well-formed HTTP/1.1 request${reason ? `: ${reason}` : ''}.`,
      );
  }
}

function rawAnswer(error: ProtocolError, base: string): string {
  const requestId = newId();
  const { status, body } = describeProblem(error, { requestId, path: '', base });
  const json = JSON.stringify(body);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(json)}`,
    `X-Request-Id: ${requestId}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
    '',
    json,
  ].join('\r\n');
}
