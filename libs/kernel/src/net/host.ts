import { isIP } from 'node:net';
import { canonicalAddress } from './ip-address.js';

/** The longest DNS name (RFC 1035, section 2.3.4); every address is shorter. */
export const MAX_HOST_LENGTH = 253;

const DNS_NAME = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
/** A last label of digits alone makes a name an IPv4 address to URL parsers (WHATWG URL, ends-in-a-number). */
const ENDS_IN_A_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/;
const NOT_ASCII = /[^\0-\x7f]/;

/** "This network" with the unspecified address: never a destination (RFC 6890, section 2.2.2). */
const THIS_NETWORK = /^0\./;
const UNSPECIFIED: ReadonlySet<string | undefined> = new Set(['0.0.0.0', '::']);
const BROADCAST = '255.255.255.255';

const NEITHER = 'must be a DNS name, an IPv4 or an IPv6 address (without brackets)';

/** Whether an address, however it is spelt, is the unspecified one: a server that listens there listens everywhere. */
export const isUnspecified = (text: string): boolean => UNSPECIFIED.has(canonicalAddress(text));

/** A host in its one spelling, or what is wrong with it. */
export type CheckedHost = { readonly host: string } | { readonly complaint: string };

/**
 * Checks the host at which an instance is reached. An accepted host has one spelling, names one place, and can be used in a
 * URL (an IPv6 address in brackets): names are in lower case, addresses as {@link canonicalAddress} spells them.
 */
export function checkHost(text: string): CheckedHost {
  if (isIP(text) !== 0) return checkAddress(text);
  const name = text.toLowerCase();
  if (DNS_NAME.test(name) && !ENDS_IN_A_NUMBER.test(name)) return { host: name };
  return { complaint: complaintAbout(name) };
}

function checkAddress(text: string): CheckedHost {
  const host = canonicalAddress(text);
  if (host === undefined) {
    return {
      complaint:
        'must be without a zone (what follows %): it names an interface of one machine. Give an address that callers can reach',
    };
  }
  if (THIS_NETWORK.test(host) || isUnspecified(host)) {
    return { complaint: 'must be an address that callers can reach, not an unspecified one' };
  }
  if (host === BROADCAST) return { complaint: 'must be an address of one instance, not the broadcast address' };
  return { host };
}

function complaintAbout(name: string): string {
  if (NOT_ASCII.test(name)) return `${NEITHER}; a name with other letters than those of ASCII in its xn-- form`;
  if (DNS_NAME.test(name)) {
    return `${NEITHER}: what ends in a number is read as an IPv4 address, and those have four decimal numbers without leading zeros`;
  }
  if (name.endsWith('.')) return `${NEITHER}; a name without the dot at its end`;
  return NEITHER;
}
