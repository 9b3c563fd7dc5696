import { once } from 'node:events';
import { Agent, createServer, type IncomingHttpHeaders, request } from 'node:http';
import { type AddressInfo } from 'node:net';

/** What a proxy does to what passes it, beside passing it on. */
export interface ProxyHabits {
  /** Changes an ETag of an answer, as proxies do that compress. */
  readonly changeTag?: (tag: string) => string;
  /** Passes bodies on in chunks, whatever they came in. */
  readonly inChunks?: boolean;
  /** The path prefix below which it serves the service, such as `/pcs`. It takes it off, and has nothing beside it. */
  readonly prefix?: string;
  /** What it says in `X-Forwarded-Prefix`; by default it passes on what clients say. */
  readonly forwardedPrefix?: string;
}

/** A small reverse proxy with a pool of connections to the service, which it keeps for as long as the service does. */
export interface ReverseProxy {
  readonly url: string;
  /** How many connections to the service were opened. */
  readonly opened: () => number;
  /** How many requests failed, because the connection that they were sent on was reset, say. */
  readonly resets: () => number;
  close(): Promise<void>;
}

export async function startReverseProxy(target: string, habits: ProxyHabits = {}): Promise<ReverseProxy> {
  const { hostname, port } = new URL(target);
  // It does not look at the time that the service names: connections end when the service ends them.
  const agent = new Agent({ keepAlive: true, maxSockets: 4, agentKeepAliveTimeoutBuffer: 0 });
  let resets = 0;
  const sockets = new Set<object>();
  const { prefix = '' } = habits;
  const server = createServer((incoming, outgoing) => {
    const { url = '/' } = incoming;
    if (!url.startsWith(`${prefix}/`)) {
      outgoing.writeHead(404, { 'x-answered-by': 'proxy' }).end();
      return;
    }
    const passed = request({
      agent,
      hostname,
      port,
      method: incoming.method,
      path: url.slice(prefix.length),
      headers: headersFor(incoming.headers, incoming.socket.remoteAddress, incoming.socket.remotePort, habits),
    });
    passed.on('socket', socket => sockets.add(socket));
    passed.on('response', answer => {
      const { etag } = answer.headers;
      const { connection: _, ...kept } = answer.headers;
      const headers = {
        ...kept,
        ...(etag !== undefined && habits.changeTag && { etag: habits.changeTag(etag) }),
      };
      outgoing.writeHead(answer.statusCode ?? 502, headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => {
      resets += 1;
      outgoing.writeHead(502).end();
    });
    incoming.pipe(passed);
  });
  // Where client and service share this process, work of seconds in it would make the proxy close connections as idle in the
  // very moment in which the client sends on them. Clients close them by themselves.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    opened: () => sockets.size,
    resets: () => resets,
    async close() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function headersFor(
  headers: IncomingHttpHeaders,
  address = '',
  port = 0,
  { inChunks, forwardedPrefix }: ProxyHabits,
): IncomingHttpHeaders {
  const before = headers['x-forwarded-for'];
  const client = `${address}:${port}`;
  const { connection: _, ...kept } = headers;
  const forwarded = {
    ...kept,
    'x-forwarded-for': before === undefined ? client : `${String(before)}, ${client}`,
    ...(forwardedPrefix !== undefined && { 'x-forwarded-prefix': forwardedPrefix }),
  };
  if (!inChunks) return forwarded;
  const { 'content-length': __, ...framed } = forwarded;
  return { ...framed, 'transfer-encoding': 'chunked' };
}
