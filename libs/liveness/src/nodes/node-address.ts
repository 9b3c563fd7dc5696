import { isIP } from 'node:net';
import { type NetworkInterfaceInfo } from 'node:os';
import { isUnspecified } from '@coordination/kernel';

/** Where other nodes and clients reach a node. */
export interface NodeAddress {
  /** The node's own stable name, the same after a restart. */
  readonly nodeId: string;
  /** Name or address at which others reach it. */
  readonly host: string;
  readonly port: number;
}

/** What the address of a node is derived from. */
export interface NodePlace {
  /** Where it listens (`HOST`), and on which port. */
  readonly listenHost: string;
  readonly port: number;
  readonly hostname: string;
  readonly interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]>;
  /** `PCS_NODE_ID` and `PCS_ADVERTISED_HOST`, if they are set. */
  readonly nodeId?: string | undefined;
  readonly advertisedHost?: string | undefined;
}

const LOOPBACK = '127.0.0.1';
const LINK_LOCAL = /^(169\.254\.|fe[89ab])/i;
const MAX_NAME_LENGTH = 190;

/** The address of a node: from the settings, else where it listens, else an address of the machine. */
export function nodeAddress(place: NodePlace): NodeAddress {
  const { port, hostname, nodeId, advertisedHost, listenHost } = place;
  return {
    nodeId: nodeId ?? `${nameFrom(hostname)}:${port}`,
    host: advertisedHost ?? (isUnspecified(listenHost) ? machineAddress(place) : listenHost),
    port,
  };
}

/** Replaces characters that host names may have and names of instances may not. */
const nameFrom = (hostname: string): string =>
  hostname.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, MAX_NAME_LENGTH) || 'node';

/** The first address that other machines may be able to reach; IPv4 before IPv6. */
function machineAddress({ interfaces }: NodePlace): string {
  const reachable = Object.values(interfaces)
    .flatMap(addresses => addresses ?? [])
    .filter(({ internal, address }) => !internal && !LINK_LOCAL.test(address))
    .map(({ address }) => address);
  return reachable.find(address => isIP(address) === 4) ?? reachable[0] ?? LOOPBACK;
}
