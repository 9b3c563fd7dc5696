import { isIP } from 'node:net';

/** An address of a host, and its family. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Addresses by name in lower case, in the order of the file. */
export type HostsFile = ReadonlyMap<string, readonly ResolvedAddress[]>;

/** An address with its family; undefined: the text is no address. */
export function toResolved(text: string): ResolvedAddress | undefined {
  const family = isIP(text);
  return family === 0 ? undefined : { address: text, family: family === 6 ? 6 : 4 };
}

/** Reads the text of a hosts(5) file: on each line an address, its name and further names. All lines of a name count. */
export function parseHostsFile(text: string): HostsFile {
  const found = new Map<string, ResolvedAddress[]>();
  for (const line of text.split('\n')) {
    const [first = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const resolved = toResolved(first);
    if (!resolved) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const known = found.get(key) ?? [];
      if (!known.some(({ address }) => address === resolved.address)) known.push(resolved);
      found.set(key, known);
    }
  }
  return found;
}
