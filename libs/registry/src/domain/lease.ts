import { type Check, type Lease } from './instance.js';

const MS = 1_000;

/**
 * When a lease ends unless it is renewed (RFC 3339 in UTC); null: never. The only place where a renewal time and a
 * duration are added: what is stored is the renewal, so that no duration can be added twice.
 */
export function expiresAt({ renewedAt }: Lease, { ttlSeconds }: Check): string | null {
  return ttlSeconds === null ? null : new Date(Date.parse(renewedAt) + ttlSeconds * MS).toISOString();
}
