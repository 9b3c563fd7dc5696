import { type FastifyReply, type FastifyRequest } from 'fastify';
import { complaintAboutHead } from '../body/body-parsers.js';
import { complaintAboutUnexpectedBody } from '../body/unexpected-body.js';
import { ExpectationFailedError } from '../problems/http.errors.js';

const CONTINUE = '100-continue';

/** Methods whose body is not read. */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE']);

/** The `Expect` header of a request; HTTP/1.0 has no expectations. */
const expects = ({ headers, raw }: FastifyRequest): string | undefined =>
  raw.httpVersionMajor === 1 && raw.httpVersionMinor === 0 ? undefined : headers.expect;

/** @throws ExpectationFailedError when a request expects anything but `100 Continue` (RFC 9110, section 10.1.1) */
export function refuseOtherExpectations(request: FastifyRequest): void {
  const expectation = expects(request);
  if (expectation === undefined) return;
  const members = expectation.split(',').map(member => member.trim().toLowerCase());
  if (members.some(member => member !== CONTINUE)) throw new ExpectationFailedError(expectation);
}

/**
 * Sends `100 Continue` to a client that waits for it, unless the headers show that the body will be refused. Must be the last
 * check before the body is read.
 * @throws DomainError the reason; the connection ends with the response, so that a late body is not parsed as a request
 */
export function answerExpectation(request: FastifyRequest, reply: FastifyReply): void {
  if (expects(request) === undefined || BODYLESS.has(request.method) || !announcesBody(request)) return;
  const complaint = complaintAboutHead(request) ?? complaintAboutUnexpectedBody(request);
  if (complaint) throw complaint;
  reply.raw.writeContinue();
}

const announcesBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
