import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { type NodeFault } from '@coordination/catalog';
import { SilentNameServerError } from '../names/name-errors.js';

/** Whether the local stack has a route to an address. */
export type RouteCheck = (address: string) => Promise<boolean>;

/** Errors that only the machine of this node causes. */
const LOCAL: ReadonlyMap<string, NodeFault> = new Map([
  ['EMFILE', 'descriptors'],
  ['ENFILE', 'descriptors'],
  ['ENOMEM', 'memory'],
  ['ENOBUFS', 'memory'],
  // No free local port, or no local address of the family.
  ['EADDRNOTAVAIL', 'local-address'],
  ['EADDRINUSE', 'local-address'],
  ['EAFNOSUPPORT', 'local-address'],
  ['ENETDOWN', 'route'],
  // A packet filter or a routing rule of this machine forbids the connection.
  ['EACCES', 'local-filter'],
  ['EPERM', 'local-filter'],
  // The resolver of the system could not ask.
  ['EAI_AGAIN', 'dns'],
  ['EAI_MEMORY', 'memory'],
]);

/** Errors that the machine of this node causes, but also a router, or a neighbour that does not answer. */
const UNREACHABLE: ReadonlySet<string> = new Set(['ENETUNREACH', 'EHOSTUNREACH']);

/** What gRPC says of the last connection that it tried. */
const LAST_ERROR_OF_GRPC = /Last error: .*?\b(E[A-Z]{3,})\b/;

/** Any port: nothing is sent to it. */
const DISCARD_PORT = 9;

/**
 * Asks the local stack by connecting a UDP socket, which looks up the route and the source address, and sends no packet
 * (connect(2)). So an error of a router, or of a neighbour that is dead, can be told from a missing route of this machine.
 */
export async function hasRoute(address: string): Promise<boolean> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  try {
    return await new Promise<boolean>(resolve => {
      socket.once('error', () => resolve(false));
      socket.once('connect', () => resolve(true));
      socket.connect(DISCARD_PORT, address);
    });
  } finally {
    socket.close();
  }
}

/** What this node lacked for a probe that failed by an error; undefined: the error counts against the instance. */
export async function nodeFaultOf(error: unknown, route: RouteCheck = hasRoute): Promise<NodeFault | undefined> {
  if (error instanceof SilentNameServerError) return 'dns';
  // Several addresses were tried: one that failed by itself counts.
  if (error instanceof AggregateError) {
    let first: NodeFault | undefined;
    for (const each of error.errors) {
      const fault = await nodeFaultOf(each, route);
      if (fault === undefined) return undefined;
      first ??= fault;
    }
    return first;
  }
  const { code, address, details } = (error ?? {}) as { code?: unknown; address?: unknown; details?: unknown };
  const name = typeof code === 'string' ? code : codeIn(details);
  if (name === undefined) return undefined;
  if (UNREACHABLE.has(name)) {
    return typeof address === 'string' && isIP(address) !== 0 && !(await route(address)) ? 'route' : undefined;
  }
  return LOCAL.get(name);
}

/** The code of the connection error behind a status of gRPC, whose own code is a number. */
const codeIn = (details: unknown): string | undefined =>
  typeof details === 'string' ? LAST_ERROR_OF_GRPC.exec(details)?.[1] : undefined;
