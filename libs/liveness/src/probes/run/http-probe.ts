import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { type HttpCheck, type Scheme } from '@coordination/catalog';
import { isExpectedStatus } from '@coordination/registry';
import { type Destination } from './destination.js';
import { failed, httpOutput, MAX_OUTPUT, type ProbeOutcome, succeeded } from './probe-outcome.js';

/** Schemes that are spoken over TLS. */
export const isSecure = (scheme: Scheme): boolean => scheme === 'https' || scheme === 'wss' || scheme === 'grpcs';

/** The most bytes of the head of an answer. */
const MAX_HEAD_BYTES = 16 * 1024;

const OWN_HEADERS = { 'user-agent': 'platform-coordination-probe', accept: '*/*', 'accept-encoding': 'identity' };

/**
 * Asks for the path once, on a connection of its own, and judges the status. Redirects are answers like any other; of
 * the body no more than its beginning is read.
 * @throws Error of the connection, of TLS or of the protocol
 */
export async function probeHttp(
  destination: Destination,
  scheme: Scheme,
  check: HttpCheck,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { host, port, lookup } = destination;
  const send = isSecure(scheme) ? secureRequest : plainRequest;
  const request = send({
    host,
    port,
    lookup,
    // No connections are kept, and no proxy of the environment is asked.
    agent: false,
    method: check.method,
    path: check.path,
    headers: { ...OWN_HEADERS, ...check.headers },
    maxHeaderSize: MAX_HEAD_BYTES,
    rejectUnauthorized: check.tlsVerify,
    signal,
  });
  try {
    const response = await answerTo(request);
    const status = response.statusCode ?? 0;
    const output = httpOutput(status, await beginningOf(response));
    return isExpectedStatus(status, check.expectedStatuses)
      ? succeeded(output)
      : failed(`Not one of ${check.expectedStatuses}: ${output}`);
  } finally {
    request.destroy();
  }
}

async function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    request.once('response', resolve);
    // There may be more than one; none of them may go unheard.
    request.on('error', reject);
    request.once('close', () => reject(new Error('The connection was closed without an answer.')));
    request.end();
  });
}

/** @throws Error when the body breaks off before there is enough of it */
async function beginningOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MAX_OUTPUT) break;
  }
  return Buffer.concat(chunks, length).subarray(0, MAX_OUTPUT);
}
