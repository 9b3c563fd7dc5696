import { isAhead } from '@coordination/catalog';
import { type GuardRules } from '../guard/guard-rules.js';
import { type GuardState, isReport, scopeKey } from '../guard/guard-state.js';
import { type CountedSince } from '../guard/recent-evictions.js';
import { type CountWindows } from './ended-leases.repository.js';

/** The windows in which expired leases are counted together: for the database, and for evictions that it has no record of. */
export interface Windows extends CountWindows {
  readonly by: CountedSince;
  /** The begin of the earliest window. */
  readonly earliest: string;
}

/**
 * A window is the last `windowMs`. While a guard is active, its window begins one `windowMs` before the guard did: else the
 * guard would end by mere waiting. That does not apply to the guard after an outage or a stall, nor to a guard that begins in the future
 * because the clock was set back.
 */
export function countWindows(now: string, states: readonly GuardState[], { windowMs }: GuardRules): Windows {
  const before = (time: string): string => new Date(Date.parse(time) - windowMs).toISOString();
  const since = before(now);
  const anchors: { namespace: string; service: string; since: string }[] = [];
  let sinceOfAll = since;
  for (const state of states) {
    const { scope, since: began } = state;
    if (isReport(state) || isAhead(began, now)) continue;
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
