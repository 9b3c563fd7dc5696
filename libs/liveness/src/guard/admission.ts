import { type GuardJudgement } from './evaluate-guard.js';
import { scopeKey } from './guard-state.js';

/** How many leases of a scope may end in this sweep; null: all that are over. */
export type Allowed = number | null;

/** What guards let through: services by name, and all others together. */
export interface Admission {
  readonly others: Allowed;
  readonly services: readonly { readonly namespace: string; readonly service: string; readonly allowed: Allowed }[];
}

/** What may end in a sweep, by the guards that are active; `released` is what the rate allows since the last one. */
export function admit({ states, confirmed }: GuardJudgement, released: number): Admission {
  const services = new Map<string, Admission['services'][number]>();
  let others: Allowed = null;
  for (const { scope, phase, reason } of states) {
    const allowed = phase === 'releasing' ? released : 0;
    if (scope.kind === 'service') services.set(scopeKey(scope), { ...scope, allowed });
    // After the store was away each lease lasts longer by itself; those that have ended since then have ended.
    else if (reason !== 'store-away') others = allowed;
  }
  if (others !== null) {
    // Everything holds: a service that releases waits for that, one that an operator has confirmed does not.
    for (const [key, service] of services)
      services.set(key, { ...service, allowed: Math.min(service.allowed ?? others, others) });
    for (const key of confirmed) {
      const [namespace = '', service = ''] = key.split('/');
      if (!services.has(key)) services.set(key, { namespace, service, allowed: null });
    }
  }
  return { others, services: [...services.values()] };
}

/** Something that is over, of a service. */
export interface Candidate {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
}

/** Those that may end, in their order. Services without a word of their own share what all others may. */
export function admitted<C extends Candidate>(candidates: readonly C[], { others, services }: Admission): C[] {
  const left = new Map(
    services.map(({ namespace, service, allowed }) => [`${namespace}/${service}`, allowed ?? Infinity]),
  );
  let leftOfOthers = others ?? Infinity;
  return candidates.filter(({ namespace, service }) => {
    const key = `${namespace}/${service}`;
    const own = left.get(key);
    if (own !== undefined) left.set(key, own - 1);
    else leftOfOthers--;
    return own === undefined ? leftOfOthers >= 0 : own > 0;
  });
}
