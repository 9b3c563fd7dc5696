import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Injectable, Optional } from '@nestjs/common';
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
 * How long (ms) addresses are cached: long enough to limit the look-ups when many instances of one name are probed. The policy
 * checks the addresses at each probe.
 */
const FRESH_MS = 5_000;

const MAX_NAMES = 10_000;

/** `getaddrinfo` occupies threads (4 by default) that the file system and compression need, too. */
const MAX_LOOKUPS = 2;

/** The resolver of the system, which uses hosts files and search domains. */
const systemLookup: Lookup = async host => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/** Resolves names of instances, with at most one look-up of the same name, and few look-ups, at a time. */
@Injectable()
export class NameResolver {
  private readonly names: LRUCache<string, readonly ResolvedAddress[]>;

  constructor(@Optional() find: Lookup = systemLookup, @Optional() freshMs: number = FRESH_MS) {
    const limit = pLimit(MAX_LOOKUPS);
    this.names = new LRUCache({
      max: MAX_NAMES,
      ttl: freshMs,
      fetchMethod: host => limit(() => find(host)),
    });
  }

  /**
   * All addresses of a host, which is a name or an address.
   * @throws Error when it has none
   */
  async resolve(host: string): Promise<readonly ResolvedAddress[]> {
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family: family === 6 ? 6 : 4 }];
    return (await this.names.fetch(host)) ?? [];
  }
}
