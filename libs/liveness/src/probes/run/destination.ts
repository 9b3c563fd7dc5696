import { type LookupFunction } from 'node:net';
import { type ProbePolicy } from '@coordination/registry';
import { type ResolvedAddress } from '../names/hosts-file.js';
import { UnknownNameError } from '../names/name-errors.js';
import { type NameResolver } from '../names/name-resolver.js';

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
 * address is not to be trusted with the others. Addresses that are kept while no name server answers are checked each time, too.
 * @param withinMs how long to wait for a name server
 * @throws ForbiddenDestinationError, or the resolver's error
 */
export async function findDestination(
  { host, port }: { readonly host: string; readonly port: number },
  resolver: Pick<NameResolver, 'resolve'>,
  policy: ProbePolicy,
  withinMs: number,
): Promise<Destination> {
  const [first, ...others] = await resolver.resolve(host, withinMs);
  if (!first) throw new UnknownNameError(host);
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
