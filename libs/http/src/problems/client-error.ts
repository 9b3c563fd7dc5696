import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { DomainError, type ErrorCode, newId } from '@coordination/kernel';
import { describeProblem, PROBLEM_MEDIA_TYPE } from './problem.js';
import { closeAfter } from '../server/server-connections.js';

/** A failure that Node.js finds before there is a request. */
class ProtocolError extends DomainError {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** How long (ms) a connection stays open after such an answer, so that the client reads it before it notices the end. */
const LINGER_MS = 1_000;

/** A failure as Node.js tells it: `reason` says what the parser did not like, in words. */
type ClientError = NodeJS.ErrnoException & { readonly reason?: string };

/**
 * Answers what is not HTTP, comes too slowly, or has too large headers, in the same shape as every other error. It cannot
 * have the headers of CORS: who asks is not known where the request could not be read.
 * @param base what goes before paths of this service in links
 * @param underWay the answer that is being given on the connection, if there is one
 */
export function answerClientError(error: ClientError, socket: Socket, base: string, underWay?: ServerResponse): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  if (underWay?.headersSent) {
    // Nobody could tell another answer from a part of the one that has begun.
    socket.destroy();
    return;
  }
  if (underWay?.req.complete) {
    // What is wrong came after the request that is being answered, which is not to blame.
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
        `What was sent is not a well-formed HTTP/1.1 request${reason ? `: ${reason}` : ''}.`,
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
