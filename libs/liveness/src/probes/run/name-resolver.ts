import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';

/** An address of a host, and its family. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All addresses of a name. @throws Error when there are none */
export type Lookup = (host: string) => Promise<readonly ResolvedAddress[]>;

/**
 * How long (ms) addresses are taken for current. Long enough to spare the name service when many instances of one name
 * are probed; every probe judges the addresses again.
 */
const FRESH_MS = 5_000;

const MAX_NAMES = 10_000;

/** `getaddrinfo` occupies threads (4 by default) that files and compression need too. */
const MAX_LOOKUPS = 2;

/** The system's resolver, which knows hosts files and search domains. */
const systemLookup: Lookup = async host => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/** Resolves names of instances: one look-up at a time for each, and few at a time. */
export class NameResolver {
  private readonly names: LRUCache<string, readonly ResolvedAddress[]>;

  constructor(find: Lookup = systemLookup, freshMs = FRESH_MS) {
    const limit = pLimit(MAX_LOOKUPS);
    this.names = new LRUCache({
      max: MAX_NAMES,
      ttl: freshMs,
      fetchMethod: host => limit(() => find(host)),
    });
  }

  /**
   * All addresses of a host, which may be an address itself.
   * @throws Error when it has none
   */
  async resolve(host: string): Promise<readonly ResolvedAddress[]> {
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family: family === 6 ? 6 : 4 }];
    return (await this.names.fetch(host)) ?? [];
  }
}
