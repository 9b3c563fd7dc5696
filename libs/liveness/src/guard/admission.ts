import { type GuardEvaluation } from './evaluate-guard.js';
import { isReport, scopeKey } from './guard-state.js';

/** How many leases of a scope may end in this sweep; null: all that have expired. */
export type Allowed = number | null;

/** How many leases the guards allow to end: of certain services, and of all others together. */
export interface Admission {
  readonly others: Allowed;
  readonly services: readonly { readonly namespace: string; readonly service: string; readonly allowed: Allowed }[];
}

/** What the active guards allow in a sweep; `released` is what the rate allows since the sweep before. */
export function admit({ states, confirmed }: GuardEvaluation, released: number): Admission {
  const services = new Map<string, Admission['services'][number]>();
  let others: Allowed = null;
  for (const state of states) {
    const { scope, phase } = state;
    const allowed = phase === 'releasing' ? released : 0;
    if (scope.kind === 'service') services.set(scopeKey(scope), { ...scope, allowed });
    else if (!isReport(state)) others = allowed;
  }
  if (others !== null) {
    // The guard over all also limits a service that releases, but not a service of which an operator has ended the guard.
    for (const [key, service] of services)
      services.set(key, { ...service, allowed: Math.min(service.allowed ?? others, others) });
    for (const key of confirmed) {
      const [namespace = '', service = ''] = key.split('/');
      if (!services.has(key)) services.set(key, { namespace, service, allowed: null });
    }
  }
  return { others, services: [...services.values()] };
}

/** Something of a service that has expired. */
export interface Candidate {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
}

/** The candidates that may end, in their order. Services that the admission does not name share what `others` allows. */
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
