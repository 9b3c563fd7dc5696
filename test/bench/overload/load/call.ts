import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type LoadRequest } from '../../load/load-job.js';

/** How much of the body of a problem is read for its code (bytes). */
const PROBLEM_MAX = 4_096;

const FIRST_ERROR = 400;

/** What came of a request. */
export interface Called {
  /** The status, with the code of the problem if there is one; or the error of the connection. */
  readonly answer: string;
  readonly bytes: number;
}

/**
 * Sends a request and reads its answer to the end, without keeping it.
 * @param begun called with the request, so that it can be ended early; then its answer is an error of the connection
 */
export function call(
  url: URL,
  { method, path, headers, body }: LoadRequest,
  agent: Agent,
  begun: (request: ClientRequest) => void = () => undefined,
): Promise<Called> {
  return new Promise(resolve => {
    const { hostname, port } = url;
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = request({ hostname, port, method, path, agent, headers: { ...headers, ...length } }, response => {
      readAnswer(response).then(resolve, (error: unknown) => resolve({ answer: nameOf(error), bytes: 0 }));
    });
    sent.on('error', error => resolve({ answer: nameOf(error), bytes: 0 }));
    begun(sent);
    sent.end(body);
  });
}

/** Reads an answer to its end. @throws Error of the connection when it ends before */
export async function readAnswer(response: IncomingMessage): Promise<Called> {
  const status = response.statusCode ?? 0;
  let bytes = 0;
  let problem = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (status >= FIRST_ERROR && problem.length < PROBLEM_MAX) problem += String(chunk);
  }
  const [, code] = /"code":\s*"(\w+)"/.exec(problem) ?? [];
  return { answer: code === undefined ? String(status) : `${status} ${code}`, bytes };
}

/** What an error of a connection is called. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
