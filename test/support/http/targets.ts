import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation, type ServingStatusMap } from 'grpc-health-check';
import { lastingPort } from '../database/lasting-port.js';
import { SELF_SIGNED } from './self-signed.js';

/** A server of any kind that somebody probes, on a free port of loopback. */
export interface Target {
  readonly port: number;
  /** How many connections it has had, and how many it has now. */
  readonly contacts: { readonly total: number; readonly open: number };
  close(): Promise<void>;
}

/** A server that speaks HTTP. */
export const httpTarget = (answer: RequestListener): Promise<Target> => listen(createHttpServer(answer));

/** A server that speaks HTTP over TLS, with a certificate that signs itself. */
export const httpsTarget = (answer: RequestListener): Promise<Target> =>
  listen(createHttpsServer({ ...SELF_SIGNED }, answer));

/** A server that does with each connection what it is told. */
export const tcpTarget = (take: (socket: Socket) => void): Promise<Target> => listen(createServer(take));

/** A server with the standard health service of gRPC. */
export async function grpcTarget(statuses: ServingStatusMap, secure = false): Promise<Omit<Target, 'contacts'>> {
  const server = new GrpcServer();
  new HealthImplementation(statuses).addToServer(server);
  return await startGrpc(server, secure);
}

/** A server of gRPC that has no health service. */
export const bareGrpcTarget = (): Promise<Omit<Target, 'contacts'>> => startGrpc(new GrpcServer(), false);

async function startGrpc(server: GrpcServer, secure: boolean): Promise<Omit<Target, 'contacts'>> {
  const security = secure
    ? ServerCredentials.createSsl(null, [
        { private_key: Buffer.from(SELF_SIGNED.key), cert_chain: Buffer.from(SELF_SIGNED.cert) },
      ])
    : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', security, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return {
    port,
    close: async () => server.forceShutdown(),
  };
}

async function listen(server: Server): Promise<Target> {
  const open = new Set<Socket>();
  let total = 0;
  server.on('connection', (socket: Socket) => {
    total += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    // Or the end of the other side would not be noticed.
    socket.resume();
    socket.once('close', () => open.delete(socket));
  });
  // Also when it is closed, nobody else gets the port.
  server.listen(await lastingPort(), '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    contacts: {
      get total() {
        return total;
      },
      get open() {
        return open.size;
      },
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port of loopback at which nobody listens, nor will. */
export const freePort = (): Promise<number> => lastingPort();
