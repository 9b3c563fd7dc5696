import { isIPv6 } from 'node:net';
import { canonicalAddress } from './ip-address.js';

/** `uri-host [ ":" port ]` (RFC 9112, section 3.2). A zone of an address (RFC 6874) names an interface of the sender. */
const AUTHORITY = /^(?:\[([\da-f:.]+)(?:%[\w.~%-]+)?\]|([\w.~!$&'()*+,;=%-]+))(?::\d*)?$/i;

/**
 * The host of what a request names as its authority (`Host`, or the authority of its target), in its one spelling: names in
 * lower case and without a dot at their end, addresses as {@link canonicalAddress} spells them, without port, brackets and
 * zone. Undefined for what is no authority.
 */
export function hostOfAuthority(authority: string): string | undefined {
  const [, address, name] = AUTHORITY.exec(authority) ?? [];
  if (address !== undefined) return isIPv6(address) ? canonicalAddress(address) : undefined;
  if (name === undefined) return undefined;
  // Clients read names as URLs have them: `127.1` and `0x7f000001` are addresses, and `%6c` is a letter.
  const spelt = URL.parse(`http://${name}`)?.hostname ?? name.toLowerCase();
  return spelt.endsWith('.') ? spelt.slice(0, -1) : spelt;
}

/** A host as it is written in an authority. */
export const asAuthority = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const LOOPBACK_ADDRESS = /^127\./;
const LOOPBACK_NAME = /^(?:.+\.)?localhost$/;

/**
 * Whether a host, as {@link hostOfAuthority} spells it, can be nothing but the machine itself: an address of 127.0.0.0/8,
 * ::1, `localhost`, or a name below it (RFC 6761, section 6.3).
 */
export const isLoopbackHost = (host: string): boolean =>
  host === '::1' || LOOPBACK_NAME.test(host) || (LOOPBACK_ADDRESS.test(host) && canonicalAddress(host) === host);

/** Whether a server that listens on this host, however it is spelt, is reached from its own machine alone. */
export const listensOnLoopback = (host: string): boolean => isLoopbackHost(hostOfAuthority(asAuthority(host)) ?? '');
