import { type GuardNotices } from '@coordination/discovery';
import { type GuardState, scopeKey } from '../guard/guard-state.js';
import { type GuardStates } from '../guard/guard-states.js';

/** Tells readers of a service that a guard keeps it as it is. */
export class ActiveGuardNotices implements GuardNotices {
  constructor(private readonly states: Pick<GuardStates, 'of'>) {}

  of(namespace: string, service: string): string | undefined {
    const state = this.states.of(namespace, service);
    return state && noticeOf(state);
  }
}

/** Decimals of a structured field have three digits after the point at most (RFC 9651, section 3.3.2). */
const THOUSAND = 1_000;

/** A guard as an Item of a structured field (RFC 9651): its reason, with the numbers as parameters. */
export function noticeOf({ reason, scope, phase, since, until, wouldExpire, of, limit }: GuardState): string {
  const share = Math.round(limit * THOUSAND) / THOUSAND;
  return `${reason};scope="${scopeKey(scope)}";phase=${phase};since="${since}";until="${until}";would-expire=${wouldExpire};of=${of};limit=${share}`;
}
