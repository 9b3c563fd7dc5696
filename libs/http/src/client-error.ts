import { STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { DomainError, type ErrorCode, newId } from '@coordination/kernel';
import { describeProblem, PROBLEM_MEDIA_TYPE } from './problem.js';

/** A failure that Node.js finds before there is a request. */
class ProtocolError extends DomainError {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Answers what is not HTTP, comes too slowly, or has too large headers, in the same shape as every other error.
 * @param base what goes before paths of this service in links
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, base: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(rawAnswer(protocolErrorOf(error.code), base));
  socket.destroy();
}

function protocolErrorOf(code: string | undefined): ProtocolError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProtocolError('REQUEST_TIMEOUT', 'The request did not arrive in time.');
    case 'HPE_HEADER_OVERFLOW':
      return new ProtocolError('HEADERS_TOO_LARGE', 'The request line and headers are too large.');
    default:
      return new ProtocolError('VALIDATION_FAILED', 'What was sent is not a well-formed HTTP request.');
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
    'Connection: close',
    '',
    json,
  ].join('\r\n');
}
