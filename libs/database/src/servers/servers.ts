import { isIP } from 'node:net';
import { type DatabaseUrl } from '@coordination/config';

const DEFAULT_HOST = 'localhost';
const DEFAULT_PORT = 5432;

/** A server that connections can be made to. */
export interface Server {
  /** A name, an address without brackets, or the directory of a socket. */
  readonly host: string;
  readonly port: number;
}

/** The servers of a target: at least one, in the order in which they are tried. */
export type Servers = readonly [Server, ...Server[]];

/** The servers that a URL names, or else the variables of libpq. */
export function serversOf({ servers, port }: DatabaseUrl, env: NodeJS.ProcessEnv): Servers {
  const defaultPorts = (env['PGPORT'] ?? '').split(',').map(text => Number(text) || DEFAULT_PORT);
  const defaultHosts = (env['PGHOST'] || DEFAULT_HOST).split(',').map(host => ({ host, port }));
  const named = (servers.length > 0 ? servers : defaultHosts).map((server, index) => ({
    host: server.host,
    port: server.port ?? defaultPorts[index] ?? defaultPorts[0] ?? DEFAULT_PORT,
  }));
  return named as [Server, ...Server[]];
}

export const isSocket = ({ host }: Server): boolean => host.startsWith('/');

/** Whether a resolver has to be asked for its address. */
export const hasName = (server: Server): boolean => !isSocket(server) && isIP(server.host) === 0;

/** As people read it. */
export const describeServer = ({ host, port }: Server): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
