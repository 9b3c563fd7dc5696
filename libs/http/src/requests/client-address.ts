import { AddressRanges, canonicalAddress } from '@coordination/kernel';
import { type FastifyRequest } from 'fastify';

/** An address as proxies write it into `X-Forwarded-For`: some add the port, and brackets around IPv6 addresses. */
const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;
const IPV6_IN_BRACKETS = /^\[([\da-f:.]+(?:%[^\]]*)?)\](?::\d{1,5})?$/i;

/** Whether a proxy with this address is trusted to name the address before it. */
export type TrustTest = (address: string) => boolean;

/** Trusts the proxies whose addresses are in these ranges. */
export function trustIn(ranges: readonly string[]): TrustTest {
  const proxies = new AddressRanges(ranges);
  return address => {
    const plain = plainAddress(address);
    return plain !== undefined && proxies.has(plain);
  };
}

/**
 * The canonical address of the client, without port and zone. If a trusted proxy passes on a text that is no address
 * (`unknown`, or an invention of the client), it is the address of the proxy, because the audit log keeps it for ever.
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
  // A closed connection has no address.
  if (text === undefined) return undefined;
  const address = IPV4_WITH_PORT.exec(text)?.[1] ?? IPV6_IN_BRACKETS.exec(text)?.[1] ?? text;
  return canonicalAddress(withoutZone(address));
}

/** A zone names an interface of the machine that wrote the address, and may be any text. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}
