import { type FastifyReply, type FastifyRequest } from 'fastify';
import { complaintAboutHead } from '../body/body-parsers.js';
import { ExpectationFailedError } from '../problems/http.errors.js';
import { complaintAboutUnaskedBody } from '../body/unexpected-body.js';

const CONTINUE = '100-continue';

/** Methods whose body is not read. */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE']);

/** Whether a request waits for `100 Continue` before it sends its body. HTTP/1.0 has no expectations. */
const expects = ({ headers, raw }: FastifyRequest): string | undefined =>
  raw.httpVersionMajor === 1 && raw.httpVersionMinor === 0 ? undefined : headers.expect;

/** @throws ExpectationFailedError when a request expects anything else than `100 Continue` (RFC 9110, section 10.1.1) */
export function refuseOtherExpectations(request: FastifyRequest): void {
  const expectation = expects(request);
  if (expectation === undefined) return;
  const members = expectation.split(',').map(member => member.trim().toLowerCase());
  if (members.some(member => member !== CONTINUE)) throw new ExpectationFailedError(expectation);
}

/**
 * Tells a client that waits for it to send its body, unless the headers of the request are reason enough to refuse it. To be
 * called when nothing else is wrong with the request as far as it is known.
 * @throws DomainError the reason; the connection ends with its answer, so that a body that comes after all is no request
 */
export function answerExpectation(request: FastifyRequest, reply: FastifyReply): void {
  if (expects(request) === undefined || BODYLESS.has(request.method) || !announcesBody(request)) return;
  const complaint = complaintAboutHead(request) ?? complaintAboutUnaskedBody(request);
  if (complaint) throw complaint;
  reply.raw.writeContinue();
}

const announcesBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
