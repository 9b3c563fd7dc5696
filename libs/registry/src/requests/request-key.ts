import { type CallOrigin } from '@coordination/context';

/** Identifies one request that its caller may send again. Each actor has keys of its own. */
export interface RequestKey {
  readonly actor: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** The key of a request; undefined if its caller sent none. Computing the fingerprint of a large request takes a while. */
export function requestKeyOf({ actor, repeatable }: CallOrigin): RequestKey | undefined {
  return repeatable && { actor, key: repeatable.key, fingerprint: repeatable.fingerprint };
}
