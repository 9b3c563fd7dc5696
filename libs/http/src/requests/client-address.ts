import { AddressRanges, canonicalAddress } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';

/** An address as proxies write it into `X-Forwarded-For`: some add the port, and brackets where it would be unclear. */
const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;
const IPV6_IN_BRACKETS = /^\[([\da-f:.]+(?:%[^\]]*)?)\](?::\d{1,5})?$/i;

/** Judges whether what an address says of the one before it is believed. */
export type TrustTest = (address: string) => boolean;

/** Which proxies are trusted: those whose addresses are in these ranges. */
export function trustIn(ranges: readonly string[]): TrustTest {
  const proxies = new AddressRanges(ranges);
  return address => {
    const plain = plainAddress(address);
    return plain !== undefined && proxies.has(plain);
  };
}

/**
 * The address of the client in its one spelling, without port and zone. Where a trusted proxy passes on what is no address
 * (`unknown`, or what a client made up), it is that of the proxy: the audit log keeps it for ever.
 */
export function clientAddressOf({ ips, ip }: Pick<FastifyRequest, 'ips' | 'ip'>): string | null {
  if (ips === undefined) return plainAddress(ip) ?? null;
  for (const address of ips.toReversed()) {
    const plain = plainAddress(address);
    if (plain !== undefined) return plain;
  }
  return null;
}

function plainAddress(text: string | undefined): string | undefined {
  // A connection that has ended has no address any more.
  if (text === undefined) return undefined;
  const address = IPV4_WITH_PORT.exec(text)?.[1] ?? IPV6_IN_BRACKETS.exec(text)?.[1] ?? text;
  return canonicalAddress(withoutZone(address));
}

/** Zones name interfaces of the machine that wrote them, and may be any text. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}
