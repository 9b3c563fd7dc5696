/** How many of the eight groups of an IPv6 address name the network of a client. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

/**
 * Whom the lines count as one client: an IPv4 address, or the network of 64 bits of an IPv6 address. A client with IPv6 usually
 * has a whole such network, and could otherwise appear as any number of clients.
 * @param address in canonical form; null: unknown
 */
export function clientNetworkOf(address: string | null): string {
  if (address === null) return '';
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeroes = Array.from({ length: GROUPS - before.length - after.length }, () => '0');
  return `${[...before, ...zeroes, ...after].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
