import { admit, admitted, type Candidate } from '../../guard/admission.js';
import { evaluateGuard } from '../../guard/evaluate-guard.js';
import { type GuardRules } from '../../guard/guard-rules.js';
import { type GuardOverride, type GuardScope, GuardSet, type GuardState, scopeKey } from '../../guard/guard-state.js';
import { type LeaseCounts } from '../../guard/lease-counts.js';
import { type CountedSince } from '../../guard/recent-evictions.js';
import { countWindows } from '../../sweep/count-windows.js';
import { type SecondLook } from './second-look-store.js';

/** A failure that has not been acted on. */
export interface PendingFailure extends Candidate {
  /** Whether it has waited long enough for others that began to fail at the same time. */
  readonly isSettled: boolean;
  /** Looks of another node in a row that must fail before the failure counts. */
  readonly looksNeeded: number;
}

/** What is decided from. */
export interface FailureSituation {
  /** Database time, RFC 3339 in UTC. */
  readonly now: string;
  readonly rules: GuardRules;
  /** The node whose probes these are. */
  readonly node: string;
  /** Its guards until now. */
  readonly states: readonly GuardState[];
  readonly overrides: readonly GuardOverride[];
  readonly counts: (since: CountedSince) => LeaseCounts;
  readonly pending: readonly PendingFailure[];
  /** What other nodes saw lately, by instance. */
  readonly looks: ReadonlyMap<string, SecondLook>;
  /** How many held failures the bounded rate releases now. */
  readonly released: number;
}

/** What follows. */
export interface FailureJudgement {
  /** The guards from now on. */
  readonly states: readonly GuardState[];
  /** Failures that count now; those that another node confirmed have its name. */
  readonly due: readonly { readonly id: string; readonly confirmedBy?: string }[];
  /** Instances at which another node is to look. */
  readonly ask: readonly string[];
  /**
   * Failures that do not count unless the next probe fails, too: their guard ended because others succeed again, and they may
   * not have been probed since.
   */
  readonly renew: readonly string[];
}

/**
 * Decides which failures of probes count, by the rules of the guard over leases. Of those that a guard holds, only what another
 * node sees as well counts, and what the guard releases at its bounded rate at its end. As long as another node sees one of
 * them succeed, the guard of its scope holds. Pure: no I/O, no clock.
 */
export function judgeFailures(situation: FailureSituation): FailureJudgement {
  const { now, rules, node, states, overrides, counts, pending, looks, released } = situation;
  const isContradicted = ({ id }: PendingFailure) => looks.get(id)?.failures === 0;
  const before = prolonged(situation, pending.filter(isContradicted));
  const { by } = countWindows(now, before, rules);
  const evaluation = evaluateGuard({
    now,
    rules,
    states: before,
    overrides,
    counts: counts(by),
    recoveringSince: null,
    stalledUntil: null,
  });
  const guards = new GuardSet(evaluation.states);
  const guardOf = ({ namespace, service }: PendingFailure): GuardState | undefined =>
    evaluation.confirmed.has(scopeKey({ kind: 'service', namespace, service }))
      ? undefined
      : guards.of(namespace, service);

  const ends = overrides.filter(({ kind, until }) => kind === 'end' && now < until);
  const isEnded = (failure: PendingFailure) => ends.some(({ scope }) => covers(scope, failure));

  const confirmed: { id: string; confirmedBy: string }[] = [];
  const others: PendingFailure[] = [];
  const ask: string[] = [];
  const renew: string[] = [];
  for (const failure of pending) {
    const guard = guardOf(failure);
    const look = looks.get(failure.id);
    if (guard && guard.reason !== 'operator') {
      if (look && look.failures >= failure.looksNeeded) {
        confirmed.push({ id: failure.id, confirmedBy: look.by });
        continue;
      }
      ask.push(failure.id);
      if (isContradicted(failure)) continue;
    }
    const wasHeld = states.some(({ scope }) => covers(scope, failure));
    if (!guard && wasHeld && !isEnded(failure)) renew.push(failure.id);
    else if (failure.isSettled) others.push(failure);
  }
  const due = [...confirmed, ...admitted(others, admit(evaluation, released)).map(({ id }) => ({ id }))];
  // The guard that an operator forced is shown as one over leases.
  const own = evaluation.states.filter(({ reason }) => reason !== 'operator');
  return { states: own.map(state => ({ ...state, reason: 'probe-failures', node })), due, ask, renew };
}

/** The guards, of which those with a contradicted failure hold for at least one more window. */
function prolonged({ now, rules, states }: FailureSituation, contradicted: readonly PendingFailure[]): GuardState[] {
  const until = new Date(Date.parse(now) + rules.windowMs).toISOString();
  return states.map(state => {
    const isProlonged = state.until < until && contradicted.some(failure => covers(state.scope, failure));
    return isProlonged ? { ...state, phase: 'holding', until } : state;
  });
}

const covers = (scope: GuardScope, { namespace, service }: Candidate): boolean =>
  scope.kind === 'all' || (scope.namespace === namespace && scope.service === service);
