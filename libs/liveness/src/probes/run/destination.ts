import { type LookupFunction } from 'node:net';
import { type ProbePolicy } from '@coordination/registry';
import { type NameResolver, type ResolvedAddress } from './name-resolver.js';

/** Where a probe connects to: only addresses that the policy allows. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly [ResolvedAddress, ...ResolvedAddress[]];
  /** For sockets: returns the allowed addresses, so that the name is not looked up a second time. */
  readonly lookup: LookupFunction;
}

/** The policy does not allow to probe the host. */
export class ForbiddenDestinationError extends Error {
  override readonly name = 'ForbiddenDestinationError';
}

/**
 * Resolves a host and checks all of its addresses. One forbidden address forbids the host: a name server that returns such an
 * address is not to be trusted with the others.
 * @throws ForbiddenDestinationError, or the resolver's error
 */
export async function findDestination(
  { host, port }: { readonly host: string; readonly port: number },
  resolver: NameResolver,
  policy: ProbePolicy,
): Promise<Destination> {
  const [first, ...others] = await resolver.resolve(host);
  if (!first) throw new Error(`${host} has no address.`);
  const addresses = [first, ...others] as const;
  for (const { address } of addresses) {
    const refusal = policy.refusalOf(address);
    if (refusal !== undefined) throw new ForbiddenDestinationError(`Not contacted: ${refusal}.`);
  }
  return { host, port, addresses, lookup: pinned(addresses) };
}

const pinned =
  (addresses: Destination['addresses']): LookupFunction =>
  (_host, { all }, callback) => {
    if (all) callback(null, [...addresses]);
    else callback(null, addresses[0].address, addresses[0].family);
  };
