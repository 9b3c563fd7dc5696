import { isAhead } from '@coordination/catalog';
import { type GuardRules } from '../guard/guard-rules.js';
import { type GuardState, scopeKey } from '../guard/guard-state.js';
import { type CountedSince } from '../guard/recent-evictions.js';
import { type CountWindows } from './ended-leases.repository.js';

/** The windows in which leases that ended count together, for the database and for what it has forgotten. */
export interface Windows extends CountWindows {
  readonly by: CountedSince;
  /** The earliest time that counts anywhere. */
  readonly earliest: string;
}

/**
 * The last so many seconds; but what counted when a guard began counts as long as it is there, or it would end by mere
 * waiting. The longer time of leases after the store was away is no such guard, nor is one of a clock that was set back.
 */
export function countWindows(now: string, states: readonly GuardState[], { windowMs }: GuardRules): Windows {
  const before = (time: string): string => new Date(Date.parse(time) - windowMs).toISOString();
  const since = before(now);
  const anchors: { namespace: string; service: string; since: string }[] = [];
  let sinceOfAll = since;
  for (const { scope, reason, since: began } of states) {
    if (reason === 'store-away' || isAhead(began, now)) continue;
    if (scope.kind === 'all') sinceOfAll = before(began);
    else anchors.push({ namespace: scope.namespace, service: scope.service, since: before(began) });
  }
  const own = new Map(anchors.map(anchor => [scopeKey({ kind: 'service', ...anchor }), anchor.since]));
  return {
    since,
    sinceOfAll,
    anchors,
    by: {
      service: (namespace, service) => own.get(scopeKey({ kind: 'service', namespace, service })) ?? since,
      all: sinceOfAll,
    },
    earliest: [since, sinceOfAll, ...own.values()].toSorted()[0]!,
  };
}
