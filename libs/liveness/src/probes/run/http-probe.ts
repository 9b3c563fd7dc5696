import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { type HttpCheck, type Scheme } from '@coordination/catalog';
import { isExpectedStatus } from '@coordination/registry';
import { type Probe, type ProbeKind } from './probe-kind.js';
import { failed, httpOutput, MAX_OUTPUT, type ProbeOutcome, succeeded } from './probe-outcome.js';

/** Whether a scheme uses TLS. */
export const isSecure = (scheme: Scheme): boolean => scheme === 'https' || scheme === 'wss' || scheme === 'grpcs';

/** The most bytes of the head of a response. */
const MAX_HEAD_BYTES = 16 * 1024;

const OWN_HEADERS = { 'user-agent': 'platform-coordination-probe', accept: '*/*', 'accept-encoding': 'identity' };

/**
 * Requests the path once, on a connection of its own, and checks the status. Redirects are not followed; only the beginning of
 * the body is read.
 */
export class HttpProbe implements ProbeKind<HttpCheck> {
  async probe({ destination, scheme, check, signal }: Probe<HttpCheck>): Promise<ProbeOutcome> {
    const { host, port, lookup } = destination;
    const send = isSecure(scheme) ? secureRequest : plainRequest;
    const request = send({
      host,
      port,
      lookup,
      // No connection is kept, and no proxy of the environment is used.
      agent: false,
      method: check.method,
      path: check.path,
      headers: { ...OWN_HEADERS, ...check.headers },
      maxHeaderSize: MAX_HEAD_BYTES,
      rejectUnauthorized: check.tlsVerify,
      signal,
    });
    try {
      const response = await responseTo(request);
      const status = response.statusCode ?? 0;
      const output = httpOutput(status, await beginningOf(response));
      return isExpectedStatus(status, check.expectedStatuses)
        ? succeeded(output)
        : failed(`Not one of ${check.expectedStatuses}: ${output}`);
    } finally {
      request.destroy();
    }
  }
}

async function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Not `once`: there may be several, and an error without a listener would end the process.
    request.on('error', reject);
    request.once('close', () => reject(new Error('The connection was closed without an answer.')));
    request.end();
  });
}

/** @throws Error when the body ends abnormally before enough of it was read */
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
