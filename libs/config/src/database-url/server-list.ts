import { isIPv6 } from 'node:net';
import { type DatabaseServer, DatabaseUrlError, MalformedUrlError } from './database-url.js';

const MAX_PORT = 65_535;

/** As it stands in a URL: an address in brackets, or anything without a colon; then the port. */
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/;

/** A name as resolvers and container platforms know it, or an IPv4 address. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u;

/** Where servers may be named. */
export interface ServerSources {
  /** Behind the user and the password: `host1:5432,[::1]:5433,host3`, percent-encoded. */
  readonly authority: string;
  /** Names, addresses or directories of sockets, separated by commas; goes before the authority. */
  readonly host: string | undefined;
  /** One port for all servers, or one for each; goes before those of the authority. */
  readonly port: string | undefined;
}

/** Servers, or, where none is named, the port for one that is named elsewhere. */
export interface ServerList {
  readonly servers: readonly DatabaseServer[];
  readonly port: number | undefined;
}

/** @throws DatabaseUrlError where a host or a port is none, or their numbers differ */
export function serverList({ authority, host, port }: ServerSources): ServerList {
  const named = authority.split(',').map(part => HOST_AND_PORT.exec(part) ?? []);
  if (named.some(([whole]) => whole === undefined)) throw new MalformedUrlError(BAD_HOST);
  const hosts = host?.split(',') ?? named.map(([, name = '']) => decodeURIComponent(name));
  const ports = (port?.split(',') ?? named.map(([, , number = '']) => number)).map(portOf);
  if (ports.length !== 1 && ports.length !== hosts.length) {
    throw new DatabaseUrlError(
      `names ${hosts.length} hosts and ${ports.length} ports: name one port for all hosts, or one for each`,
    );
  }
  if (hosts.length === 1 && hosts[0] === '') return { servers: [], port: ports[0] };
  const servers = hosts.map((name, index) => ({
    host: hostOf(name),
    port: ports.length === 1 ? ports[0] : ports[index],
  }));
  return { servers, port: undefined };
}

const BAD_HOST =
  'names a host that is no name, no address (IPv6 in brackets: [2001:db8::7]) and no directory of a socket (%2Frun%2Fpostgresql)';

function hostOf(text: string): string {
  const host = text.trim();
  if (host === '') throw new MalformedUrlError('has an empty host in its list of hosts');
  const address = host.replace(/^\[(.*)\]$/, '$1');
  if (host.startsWith('/') || isIPv6(address)) return address;
  if (NAME.test(host)) return host;
  throw new MalformedUrlError(BAD_HOST);
}

function portOf(text: string): number | undefined {
  const port = text.trim();
  if (port === '') return undefined;
  if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= MAX_PORT) return Number(port);
  throw new MalformedUrlError(`names a port that is no number from 1 to ${MAX_PORT}`);
}
