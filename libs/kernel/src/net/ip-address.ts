import { isIP, isIPv4 } from 'node:net';

/** How an operating system spells the IPv4 address of a caller where a server listens on IPv6. */
const MAPPED_PREFIX = '::ffff:';
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The one spelling of an IP address: IPv6 as RFC 5952 has it, IPv4 where it is mapped into IPv6. Undefined for what is no
 * address, and for one with a zone (`fe80::1%eth0`): the zone names an interface of one machine, and may be any text.
 */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0) return undefined;
  if (text.startsWith(MAPPED_PREFIX) && isIPv4(text.slice(MAPPED_PREFIX.length)))
    return text.slice(MAPPED_PREFIX.length);
  const spelt = URL.parse(`http://[${text}]`)?.hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(spelt ?? '') ?? [];
  if (high === undefined || low === undefined) return spelt;
  const [left, right] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [left >> 8, left & 255, right >> 8, right & 255].join('.');
}
