import { BlockList, isIP } from 'node:net';
import { canonicalAddress } from './ip-address.js';

const FAMILIES = { 4: 'ipv4', 6: 'ipv6' } as const;
const WHOLE = { 4: 32, 6: 128 } as const;
/** Bits that an IPv4 address has before it where it is mapped into IPv6. */
const MAPPED_BITS = 96;

const familyOf = (address: string): 4 | 6 => (isIP(address) === 4 ? 4 : 6);

/** A set of addresses and CIDRs. Networks of IPv4 may be written as mapped into IPv6, and mean the same. */
export class AddressRanges {
  private readonly lists = { 4: new BlockList(), 6: new BlockList() };

  constructor(ranges: readonly string[]) {
    for (const range of ranges) this.add(range);
  }

  /** @param address as {@link canonicalAddress} spells it */
  has(address: string): boolean {
    const family = familyOf(address);
    return this.lists[family].check(address, FAMILIES[family]);
  }

  private add(range: string): void {
    const { network, family, bits } = parseRange(range);
    this.lists[family].addSubnet(network, bits, FAMILIES[family]);
  }
}

/** A network: its address, whose family counts, and the bits that its members share. */
export interface ParsedRange {
  readonly network: string;
  readonly family: 4 | 6;
  readonly bits: number;
}

/**
 * Whether a text is an address or a CIDR.
 * @param least bits of the network
 */
export function isAddressRange(text: string, least = 0): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  // A zone names an interface of one machine, and no range has one.
  if (isIP(address) === 0 || rest.length > 0 || address.includes('%')) return false;
  if (bits === undefined) return true;
  return /^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= WHOLE[familyOf(address)] && parseRange(text).bits >= least;
}

/** The network that an address or CIDR means. What is written must be one. */
export function parseRange(range: string): ParsedRange {
  const [address = '', length] = range.split('/');
  const network = canonicalAddress(address) ?? address;
  const family = familyOf(network);
  if (length === undefined) return { network, family, bits: WHOLE[family] };
  const isMapped = familyOf(address) !== family;
  if (!isMapped) return { network, family, bits: Number(length) };
  const bits = Number(length) - MAPPED_BITS;
  // Wider than all of IPv4: it is a network of IPv6.
  return bits < 0 ? { network: address, family: 6, bits: Number(length) } : { network, family, bits };
}
