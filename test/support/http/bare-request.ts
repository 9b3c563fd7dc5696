import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** An answer as it came over the wire, which `fetch` would have decompressed. */
export interface BareAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** What the bytes say, decompressed where they are compressed. */
  readonly text: string;
}

/** Sends a request with these headers and no others of its own, on a connection of its own, and reads the whole answer. */
export async function bareRequest(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  { method = 'GET', body }: { readonly method?: string; readonly body?: string } = {},
): Promise<BareAnswer> {
  const sent = request(url, { method, headers, agent: false });
  sent.end(body);
  const [message] = (await once(sent, 'response')) as [IncomingMessage];
  const bytes = await buffer(message);
  const isGzip = message.headers['content-encoding'] === 'gzip' && bytes.length > 0;
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    bytes,
    text: (isGzip ? gunzipSync(bytes) : bytes).toString(),
  };
}
